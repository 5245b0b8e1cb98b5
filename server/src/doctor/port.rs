//! Who listens on the configured port.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a server may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than this is no answer of Gradus.
const ANSWER_BYTES: u64 = 4096;

/// Tells who listens at an address; what is wrong there is the error.
pub fn who_listens(listen: &str, tls: bool) -> Result<String, String> {
    let address = listen.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    let Some(address) = address else {
        return Err(format!("http.listen is \"{listen}\", which is no address and port"));
    };
    match TcpListener::bind(address) {
        Ok(_) => return Ok(format!("{listen} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {}
        Err(error) => return Err(format!("nobody can listen on {listen}: {error}")),
    }
    if tls {
        return Ok(format!("somebody listens on {listen}; over HTTPS it is not asked whether it is Gradus"));
    }
    match ask(address) {
        Ok(answer) if answer.contains("\"status\":\"ok\"") => Ok(format!("Gradus serves on {listen}")),
        _ => Err(format!("another program listens on {listen}")),
    }
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // In one piece: a server that answers the first of several and hangs up would take its answer back.
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // A server that keeps the connection open has still said enough.
    let _ = stream.take(ANSWER_BYTES).read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    #[test]
    fn a_free_port_gradus_and_another_program_are_told_apart() {
        let gradus = answering("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"ok\",\"version\":\"0.1.0\"}");
        assert!(who_listens(&gradus, false).unwrap().starts_with("Gradus serves"));
        let other = answering("HTTP/1.1 404 Not Found\r\n\r\n");
        assert!(who_listens(&other, false).unwrap_err().contains("another program"));
        assert!(who_listens("127.0.0.1:0", false).unwrap().contains("is free"));
        assert!(who_listens("no address", false).is_err());
    }
}
