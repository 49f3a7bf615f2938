//! Takes connections, so many at a time, until it is told to stop; then waits for those it has.

use std::sync::Arc;
use std::time::Duration;

use log::{error, info, warn};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection::{self, Terms};
use crate::endpoint::Listener;

/// How long requests in hand may take once the service is to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// The pause after a connection could not be taken, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves one socket. Beyond the free `places`, a client waits here and the others in the
/// system's queue.
pub(crate) async fn serve(listener: Listener, places: Arc<Semaphore>, terms: Terms) {
    let mut stop = terms.stop.clone();
    let mut connections = JoinSet::new();
    // A client that has no place yet. The listener holds none while nobody comes, for there are
    // others.
    let mut waiting = None;
    let mut is_failing = false;
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            // Forgets those that have ended.
            Some(_) = connections.join_next() => {}
            Ok(place) = Arc::clone(&places).acquire_owned(), if waiting.is_some() => {
                if let Some(stream) = waiting.take() {
                    let terms = terms.clone();
                    connections.spawn(async move {
                        connection::serve(stream, terms).await;
                        drop(place);
                    });
                }
            }
            stream = listener.accept(), if waiting.is_none() => match stream {
                Ok(stream) => {
                    waiting = Some(stream);
                    is_failing = false;
                }
                Err(error) => {
                    if !is_failing {
                        error!("cannot take connections on {listener}: {error}");
                        is_failing = true;
                    }
                    sleep(PAUSE).await;
                }
            },
        }
    }
    info!("no longer serving {listener}");
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(FAREWELL, ended).await.is_err() {
        warn!("connections cut off: {}", connections.len());
    }
}
