//! A client as Postfix is one, for either protocol.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::service::PATIENCE;

pub(crate) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

pub(crate) struct Client(Box<dyn Stream>);

impl Client {
    pub(crate) fn tcp(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(Box::new(stream))
    }

    pub(crate) fn unix(path: &Path) -> Client {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(Box::new(stream))
    }

    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.0.write_all(octets.as_ref()).unwrap();
    }

    /// The same where the service may have closed the connection.
    pub(crate) fn try_send(&mut self, octets: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(octets.as_ref())
    }

    pub(crate) fn receive_exactly(&mut self, count: usize) -> String {
        let mut octets = vec![0; count];
        self.0.read_exact(&mut octets).unwrap();
        String::from_utf8(octets).unwrap()
    }

    /// All that comes until the service closes the connection.
    pub(crate) fn receive_to_end(&mut self) -> String {
        let mut octets = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut octets) {
            // What it has not read is dropped with the connection.
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
        }
        String::from_utf8(octets).unwrap()
    }

    /// The reply to a socketmap request.
    pub(crate) fn socketmap(&mut self, map: &str, key: &str) -> String {
        self.send(netstring(&format!("{map} {key}")));
        self.receive_netstring()
    }

    pub(crate) fn receive_netstring(&mut self) -> String {
        let mut length = String::new();
        loop {
            match &*self.receive_exactly(1) {
                ":" => break,
                digit => length.push_str(digit),
            }
        }
        let text = self.receive_exactly(length.parse().unwrap());
        assert_eq!(self.receive_exactly(1), ",");
        text
    }

    /// The reply to a `tcp_table` request, without its line end.
    pub(crate) fn get(&mut self, key: &str) -> String {
        let mut request = "get ".to_owned();
        for octet in key.bytes() {
            if octet.is_ascii_graphic() && octet != b'%' {
                request.push(octet.into());
            } else {
                write!(request, "%{octet:02X}").unwrap();
            }
        }
        self.send(request + "\n");
        self.receive_line()
    }

    pub(crate) fn receive_line(&mut self) -> String {
        let mut line = String::new();
        loop {
            match &*self.receive_exactly(1) {
                "\n" => return line,
                character => line.push_str(character),
            }
        }
    }
}

pub(crate) fn netstring(text: &str) -> String {
    format!("{}:{text},", text.len())
}
