//! What only a real connection shows: live streams, half-sent heads, WebSockets, TLS with HTTP/2, the end.

use std::time::Duration;

use gradus::http::{serve, tls};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::desk::Desk;

async fn served(desk: &Desk) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(desk.app.hub.clone().run(desk.app.desk.clone(), desk.app.zone.clone(), desk.stop.clone()));
    (address, tokio::spawn(serve(listener, None, desk.router.clone(), desk.stop.clone())))
}

/// Reads until some words have come, or panics with what came instead.
async fn read_until(stream: &mut TcpStream, words: &str) -> String {
    let mut text = String::new();
    let mut buffer = vec![0; 64 * 1024];
    while !text.contains(words) {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
        match read {
            Ok(Ok(count)) if count > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
            other => panic!("no «{words}» but {other:?} after: {text}"),
        }
    }
    text
}

fn get(path: &str, who: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer token-{who}\r\n{more}\r\n")
}

#[tokio::test]
async fn open_boards_get_changed_rows_and_alerts_go_to_those_whom_they_call() {
    let desk = Desk::open().await;
    let (address, server) = served(&desk).await;
    let mut board = TcpStream::connect(address).await.unwrap();
    board.write_all(get("/api/v1/live?rows=1", "supervisor", "").as_bytes()).await.unwrap();
    read_until(&mut board, "event: time").await;
    let mut agent = TcpStream::connect(address).await.unwrap();
    agent.write_all(get("/api/v1/live", "agent", "").as_bytes()).await.unwrap();
    read_until(&mut agent, "event: time").await;
    let talk = desk.call("supervisor", &["подам на вас в суд"]).await;
    // The row of the call comes first, its alert together with the row that has the words.
    let seen = read_until(&mut board, "в суд").await;
    assert!(
        seen.contains("event: alert")
            && seen.contains("event: rows")
            && seen.contains(&format!("row-{talk}")),
        "{seen}"
    );
    let heard = read_until(&mut agent, &talk).await;
    assert!(heard.contains("event: changed") && !heard.contains("event: alert"), "{heard}");
    // The end of the server ends the streams: it does not wait for them.
    desk.stop.cancel();
    tokio::time::timeout(Duration::from_secs(8), server).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_web_socket_takes_utterances_and_says_what_is_wrong_with_others() {
    let desk = Desk::open().await;
    let talk = desk.call("agent", &["здравствуйте"]).await;
    let (address, _server) = served(&desk).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    socket
        .write_all(get(&format!("/api/v1/conversations/{talk}/ws"), "agent", upgrade).as_bytes())
        .await
        .unwrap();
    read_until(&mut socket, "101 Switching").await;
    let line = json!({"index": 1, "party": "customer", "text": "алло"}).to_string();
    for (text, answer) in [(line.as_str(), "{\"taken\":1}"), ("{", "\"type\":\"wrong-input\"")] {
        // A client masks its frames; a mask of zeros leaves the text as it is.
        let length = u8::try_from(text.len()).unwrap();
        assert!(length < 126);
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        socket.write_all(&frame).await.unwrap();
        read_until(&mut socket, answer).await;
    }
    let mut foreign = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/conversations/{talk}/ws HTTP/1.1\r\nhost: localhost\r\ncookie: gradus=session-agent\r\norigin: https://evil.example\r\n{upgrade}\r\n"
    );
    foreign.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut foreign, "403 Forbidden").await;
}

#[tokio::test]
async fn a_half_sent_head_and_one_that_is_too_large_do_not_keep_their_connections() {
    let desk = Desk::open().await;
    let (address, _server) = served(&desk).await;
    let mut large = TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(40_000));
    // The server may answer and close before all of it is sent.
    let _ = large.write_all(head.as_bytes()).await;
    let mut answer = String::new();
    let _ = large.read_to_string(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost: local").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(15), half.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is still open after 15 s");
}

#[test]
fn a_certificate_without_its_key_and_a_missing_file_are_named() {
    let config = |certificate: &str, key: &str| {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = [set("GRADUS_HTTP__CERTIFICATE", certificate), set("GRADUS_HTTP__KEY", key)];
        gradus::config::Config::from(None, variables.into_iter()).unwrap().http
    };
    let error = |certificate, key| format!("{:#}", tls(&config(certificate, key)).err().unwrap());
    assert!(error("a.pem", "").contains("give both"));
    assert!(
        error("/nowhere/a.pem", "/nowhere/k.pem").contains("http.certificate: cannot read /nowhere/a.pem")
    );
    assert!(tls(&config("", "")).unwrap().is_none());
}
