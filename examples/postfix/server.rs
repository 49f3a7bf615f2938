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

/// Serves one socket. Beyond the free `places`, clients wait in the system's queue.
pub(crate) async fn serve(listener: Listener, places: Arc<Semaphore>, terms: Terms) {
    let mut stop = terms.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            // Forgets those that have ended.
            Some(_) = connections.join_next() => {}
            (place, stream) = next => match stream {
                Ok(stream) => {
                    let terms = terms.clone();
                    connections.spawn(async move {
                        connection::serve(stream, terms).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    error!("cannot take a connection on {listener}: {error}");
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
