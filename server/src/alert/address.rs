//! Where the server may connect to: an address on the public internet, unless the configuration allows private ones.
//!
//! Names are resolved once and the connection goes to what was looked at, so that a name cannot answer differently later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use axum::http::Uri;

/// An address of a configuration, taken apart. Its path is a secret: bots and incoming webhooks keep their key there.
#[derive(Clone)]
pub struct Target {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The name or the number of the host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query.
    pub path: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Target({})", self.authority())
    }
}

impl Target {
    /// Reads an address. Plain HTTP is for private networks alone.
    ///
    /// # Errors
    /// Says what is wrong; never repeats the address.
    pub fn parse(url: &str, allow_private: bool) -> Result<Self> {
        let uri: Uri = url.trim().parse().context("write it as https://host/path")?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if allow_private => false,
            Some("http") => {
                bail!("http:// sends everything in the open: use https://, or set alert.allow_private")
            }
            _ => bail!("write it as https://host/path"),
        };
        let authority = uri.authority().context("the address has no host")?;
        if authority.as_str().contains('@') {
            bail!("a name or password before the host is not supported");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { tls, host, port, path })
    }

    /// Returns host and port as a request names them.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// Returns the same host with another path.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        Self { path: format!("{}{path}", self.path.trim_end_matches('/')), ..self.clone() }
    }

    /// Looks up where to connect to.
    ///
    /// # Errors
    /// When the name is unknown, or one of its addresses is not public and that is not allowed.
    pub async fn resolve(&self, allow_private: bool) -> Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found: Vec<SocketAddr> =
            found.with_context(|| format!("the name {} cannot be resolved", self.host))?.collect();
        if found.is_empty() {
            bail!("the name {} has no address", self.host);
        }
        if let Some(inner) = found.iter().find(|address| !allow_private && !is_public(address.ip())) {
            bail!(
                "{} is at {}, which is not on the public internet: set alert.allow_private for servers of your own",
                self.host,
                inner.ip()
            );
        }
        Ok(found)
    }
}

/// Says whether an address is one of the public internet: not private, loopback, link-local (where clouds answer with
/// their keys), reserved, for documents or for many at once; also when it is wrapped in an address of version 6.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let closed = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !closed
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let [[w, x], [y, z]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_public_v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        // ::ffff:a.b.c.d and ::a.b.c.d, with loopback and the unspecified address among the latter.
        (0, 0) if [c, d, e] == [0, 0, 0] && (f == 0xffff || f == 0) => v4(g, h),
        // NAT64 and 6to4.
        (0x64, 0xff9b) if [c, d, e, f] == [0, 0, 0, 0] => v4(g, h),
        (0x64, 0xff9b) => false,
        (0x2002, _) => v4(b, c),
        // Teredo, benchmarks, documents.
        (0x2001, 0 | 2 | 0xdb8) => false,
        (0x3fff, _) => b > 0xfff,
        // Everything global is in 2000::/3.
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for inner in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.1.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "203.0.113.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
        ] {
            assert!(!is_public(inner.parse().unwrap()), "{inner}");
        }
        for outer in
            ["149.154.167.220", "8.8.8.8", "100.63.0.1", "172.32.0.1", "2001:67c:4e8::1", "64:ff9b::808:808"]
        {
            assert!(is_public(outer.parse().unwrap()), "{outer}");
        }
    }

    #[tokio::test]
    async fn names_and_numbers_that_lead_inside_are_refused_after_they_were_resolved() {
        for url in ["https://localhost/x", "https://127.1/x", "https://[::1]/x", "https://0x7f.0.0.1/"] {
            let Ok(target) = Target::parse(url, false) else { continue };
            assert!(target.resolve(false).await.is_err(), "{url}");
        }
        let target = Target::parse("http://localhost:8065/hooks/secret", true).unwrap();
        assert!(target.resolve(true).await.is_ok());
        assert_eq!(format!("{target:?}"), "Target(localhost:8065)");
    }

    #[test]
    fn addresses_without_tls_or_with_a_password_are_refused() {
        for url in
            ["http://example.com", "ftp://example.com", "example.com", "https://a:b@example.com/", "https://"]
        {
            assert!(Target::parse(url, false).is_err(), "{url}");
        }
        let target = Target::parse("https://example.com", false).unwrap();
        assert_eq!((target.path.as_str(), target.at("/botX/getMe").path.as_str()), ("/", "/botX/getMe"));
    }
}
