//! One client: its requests are answered in their order, in bounded memory and bounded time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use log::{debug, warn};
use mail_srs::{Day, Forwarder};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::maps::look_up;
use crate::protocol::{Protocol, ProtocolError, Request};

/// From the first octet of a request to its last, and for each reply to be taken, unless the time for
/// silence is shorter. Postfix itself waits for 100 seconds.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// What is read at a time: several requests of a client that does not wait for each reply.
const READ_OCTETS: usize = 4096;

/// How a connection is served.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) protocol: Protocol,
    /// The policy, replaced when it is loaded anew.
    pub(crate) forwarder: watch::Receiver<Arc<Forwarder>>,
    /// How long a client may be silent between requests.
    pub(crate) idle_time: Duration,
    /// Turns true when the service ends.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Serves a client until it leaves, is silent for too long, or says what is no request; or until
/// the service ends and the requests that are here are answered.
pub(crate) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, mut terms: Terms) {
    if let Err(error) = converse(&mut stream, &mut terms).await {
        debug!("{}: a connection is closed: {error}", terms.protocol);
    }
}

async fn converse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    terms: &mut Terms,
) -> io::Result<()> {
    let mut requests = Vec::new();
    let mut replies = Vec::new();
    let request_time = REQUEST_TIME.min(terms.idle_time);
    let mut deadline = Instant::now() + terms.idle_time;
    loop {
        requests.reserve(READ_OCTETS);
        let was_empty = requests.is_empty();
        tokio::select! {
            // What has been sent is answered, though the service is to end.
            biased;
            read = timeout_at(deadline, stream.read_buf(&mut requests)) => {
                if read?? == 0 {
                    return Ok(());
                }
            }
            _ = terms.stop.changed(), if was_empty => return stream.shutdown().await,
        }
        let outcome = answer_all(terms, &mut requests, &mut replies);
        // The time for a request begins with its first octet, however slowly the others come.
        if requests.is_empty() {
            deadline = Instant::now() + terms.idle_time;
        } else if was_empty || !replies.is_empty() {
            deadline = Instant::now() + request_time;
        }
        if !replies.is_empty() {
            timeout(request_time, stream.write_all(&replies)).await??;
            replies.clear();
        }
        if let Err(error) = outcome {
            warn!("{}: a connection is closed: {error}", terms.protocol);
            return stream.shutdown().await;
        }
    }
}

/// Answers the requests that are here as a whole, and leaves the beginning of the next.
fn answer_all(
    terms: &Terms,
    requests: &mut Vec<u8>,
    replies: &mut Vec<u8>,
) -> Result<(), ProtocolError> {
    let mut start = 0;
    let outcome = loop {
        let rest = requests.get(start..).unwrap_or_default();
        match terms.protocol.read(rest) {
            Ok(Some((request, octets))) => {
                start += octets;
                match request {
                    Request::LookUp { map, key } => {
                        let forwarder = terms.forwarder.borrow().clone();
                        let answer = look_up(&forwarder, map, &key, Day::today());
                        terms.protocol.write(&answer, replies);
                    }
                    Request::NoSuchMap => terms.protocol.write_no_such_map(replies),
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => {
                terms.protocol.write_error(error, replies);
                break Err(error);
            }
        }
    };
    requests.drain(..start);
    outcome
}
