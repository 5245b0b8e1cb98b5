//! Letters by SMTP. A letter about the same round of an alert always has the same Message-ID, so that mail programs show
//! an unavoidable repeat once; a later round refers to the first.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use gradus_engine::time::Timestamp;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::Failure;
use super::message::Note;
use crate::config::{self, MailSecurity, Secret};
use crate::web::Words;

/// The company's mail server.
pub struct Mail {
    server: String,
    port: u16,
    security: MailSecurity,
    tls: TlsParameters,
    user: String,
    password: Secret,
    from: Mailbox,
    within: Duration,
}

impl Mail {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn open(mail: &config::Mail, authorities: &str, within: Duration) -> Result<Self> {
        let from: Mailbox = mail.from.parse().context("mail.from: write it as Gradus <gradus@example.ru>")?;
        if mail.security == MailSecurity::None && !mail.user.is_empty() {
            bail!("mail.security: with \"none\" the password would be sent in the open; use starttls or tls");
        }
        let mut tls = TlsParameters::builder(mail.server.clone());
        if !authorities.is_empty() {
            let pem = std::fs::read(authorities)
                .with_context(|| format!("alert.authorities: cannot read {authorities}"))?;
            tls = tls.add_root_certificate(Certificate::from_pem(&pem).context("alert.authorities")?);
        }
        Ok(Self {
            server: mail.server.clone(),
            port: mail.port,
            security: mail.security,
            tls: tls.build_rustls().context("mail.server")?,
            user: mail.user.clone(),
            password: mail.password.clone(),
            from,
            within,
        })
    }

    /// Sends a letter about an alert.
    ///
    /// # Errors
    /// Says whether it is worth another try.
    pub async fn send(&self, to: &str, note: &Note, w: &Words, at: Timestamp) -> Result<(), Failure> {
        let person = crate::desk::digest(to.as_bytes());
        let person = person.get(..12).unwrap_or_default();
        let domain = self.from.email.domain();
        let id = |round: i64| format!("<alert-{}-{round}.{person}@{domain}>", note.number);
        let case = note.about.rsplit(" · ").next().unwrap_or_default();
        let repeat = if note.repeat { format!("{}: ", w.t.m_repeat) } else { String::new() };
        let mut letter = Message::builder()
            .message_id(Some(id(note.round)))
            .subject(format!("{repeat}{} · {case}", note.title));
        if note.round > 1 {
            letter = letter.in_reply_to(id(1)).references(id(1));
        }
        let body = format!("{}\n\n{}\n", note.text(), w.t.m_footer);
        self.post(to, letter, body, note.number, at).await
    }

    /// Sends a letter that shows that letters arrive.
    ///
    /// # Errors
    /// Says what went wrong.
    pub async fn test(&self, to: &str, w: &Words, at: Timestamp) -> Result<(), Failure> {
        self.post(to, Message::builder().subject(w.t.m_test), w.t.m_test_body.to_owned(), 0, at).await
    }

    /// Sends words that are about no single alert.
    ///
    /// # Errors
    /// Says what went wrong.
    pub async fn say(&self, to: &str, subject: &str, text: &str, at: Timestamp) -> Result<(), Failure> {
        self.post(to, Message::builder().subject(subject), text.to_owned(), 0, at).await
    }

    /// Sends a letter of HTML with a file.
    ///
    /// # Errors
    /// Says what went wrong.
    pub async fn letter(
        &self,
        to: &str,
        subject: &str,
        html: String,
        (name, file): (&str, Vec<u8>),
        at: Timestamp,
    ) -> Result<(), Failure> {
        let never = |error: &dyn std::fmt::Display| Failure::never(format!("{to}: {error}"));
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let kind = ContentType::parse(kind).map_err(|error| never(&error))?;
        let parts = MultiPart::mixed()
            .singlepart(SinglePart::html(html))
            .singlepart(Attachment::new(name.to_owned()).body(file, kind));
        let letter = self.head(to, Message::builder().subject(subject), 0, at)?;
        let letter = letter.multipart(parts).map_err(|error| never(&error))?;
        self.hand_in(&letter).await
    }

    async fn post(
        &self,
        to: &str,
        letter: lettre::message::MessageBuilder,
        body: String,
        number: i64,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let letter = self.head(to, letter, number, at)?;
        let letter = letter
            .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body))
            .map_err(|error| Failure::never(format!("{to}: {error}")))?;
        self.hand_in(&letter).await
    }

    /// Fills in what stands at the head of every letter.
    fn head(
        &self,
        to: &str,
        letter: lettre::message::MessageBuilder,
        number: i64,
        at: Timestamp,
    ) -> Result<lettre::message::MessageBuilder, Failure> {
        let never = |error: &dyn std::fmt::Display| Failure::never(format!("{to}: {error}"));
        let to: Mailbox = to.parse().map_err(|error: lettre::address::AddressError| never(&error))?;
        let raw =
            |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
        let time = std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.millis()).unwrap_or(0));
        Ok(letter
            .from(self.from.clone())
            .to(to)
            .date(time)
            .raw_header(raw("Auto-Submitted", "auto-generated".into()))
            .raw_header(raw("X-Gradus-Alert", number.to_string())))
    }

    async fn hand_in(&self, letter: &Message) -> Result<(), Failure> {
        // Until the letter itself is on its way, it has certainly not arrived.
        let late = |uncertain| Failure::again(format!("{} did not answer in time", self.server), uncertain);
        let connected = tokio::time::timeout(self.within, self.connect()).await;
        let mut connection =
            connected.map_err(|_| late(false))?.map_err(|error| self.failed(&error, true))?;
        let bytes = letter.formatted();
        let sent = connection.send(letter.envelope(), &bytes);
        match tokio::time::timeout(self.within, sent).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(self.failed(&error, false)),
            Err(_) => return Err(late(true)),
        }
        // It is taken; how the connection ends does not matter.
        let _ = tokio::time::timeout(Duration::from_secs(1), connection.quit()).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let tls = (self.security == MailSecurity::Tls).then(|| self.tls.clone());
        let place = (self.server.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(place, Some(self.within), &hello, tls, None).await?;
        if self.security == MailSecurity::Starttls {
            connection.starttls(self.tls.clone(), &hello).await?;
        }
        if !self.user.is_empty() {
            let credentials = Credentials::new(self.user.clone(), self.password.reveal().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
        }
        Ok(connection)
    }

    /// A refusal of the letter is final; one of the connection or of the password is mended by the administrator.
    fn failed(&self, error: &Error, before: bool) -> Failure {
        let what = format!("{}: {error}", self.server);
        if error.is_permanent() && !before {
            return Failure::never(what);
        }
        Failure::again(what, !before && error.status().is_none())
    }
}

/// Says whether something is an address that letters can be sent to.
pub fn is_address(text: &str) -> bool {
    text.len() <= 254
        && text.parse::<lettre::Address>().is_ok_and(|address| Envelope::new(None, vec![address]).is_ok())
}
