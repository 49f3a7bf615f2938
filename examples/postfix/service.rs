//! The service as a whole: it starts, loads its files anew on SIGHUP, and ends on SIGTERM.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use env_logger::Target;
use log::{error, info, warn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::connection::Terms;
use crate::endpoint::Endpoint;
use crate::journal::{End, Journal};
use crate::maps::Map;
use crate::protocol::Protocol;
use crate::{server, settings};

/// File descriptors for all but connections: sockets, the runtime, standard streams, files.
const OTHER_DESCRIPTORS: u64 = 64;

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let end_of_log = log_to_standard_error(&arguments);
    raise_descriptor_limit(&arguments);
    let served = Runtime::new()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    end_of_log.wait();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whatever the level of the log.
            writeln!(io::stderr(), "error: {error}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

/// A line for each record, with its level. The time is for what collects the lines to add.
fn log_to_standard_error(arguments: &Arguments) -> End {
    let (journal, end) = Journal::begin();
    env_logger::Builder::new()
        .filter_level(arguments.log_level)
        .format(|out, record| {
            let level = record.level().as_str().to_ascii_lowercase();
            writeln!(out, "{level}: {}", record.args())
        })
        .target(Target::Pipe(Box::new(journal)))
        .init();
    end
}

/// Each connection takes a file descriptor, and many systems give a program 1,024 at first.
fn raise_descriptor_limit(arguments: &Arguments) {
    let wanted = arguments.connection_limit as u64 + OTHER_DESCRIPTORS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let current = Some(maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    let raised = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    if raised.is_err() || maximum.is_some_and(|maximum| maximum < wanted) {
        warn!("--connection-limit needs {wanted} file descriptors, which this process cannot have");
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    // First, so that a signal that comes while the files are read is not lost, nor ends it.
    let failed = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed("SIGHUP"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed("SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed("SIGINT"))?;

    let forwarder = settings::load(arguments).map_err(|error| error.to_string())?;
    let (load, forwarder) = watch::channel(Arc::new(forwarder));
    let (stop, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(arguments.connection_limit));
    let mut servers = JoinSet::new();
    for (endpoint, protocol) in endpoints(arguments) {
        let listeners = endpoint
            .listen()
            .await
            .map_err(|error| format!("cannot serve on {endpoint}: {error}"))?;
        for listener in listeners {
            if listener.is_public() {
                warn!(
                    "{listener} may be reached from other machines, which then can have any \
                     sender signed: let only Postfix in"
                );
            }
            info!("serving {protocol} on {listener}");
            let terms = Terms {
                protocol,
                forwarder: forwarder.clone(),
                idle_time: arguments.idle_time,
                stop: stopped.clone(),
            };
            servers.spawn(server::serve(listener, Arc::clone(&places), terms));
        }
    }
    loop {
        tokio::select! {
            _ = hang_up.recv() => match settings::load(arguments) {
                Ok(forwarder) => {
                    load.send_replace(Arc::new(forwarder));
                    info!("secrets and domains are loaded anew");
                }
                Err(error) => error!("{error}; the old secrets and domains stay in use"),
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    stop.send_replace(true);
    while servers.join_next().await.is_some() {}
    Ok(())
}

fn endpoints(arguments: &Arguments) -> impl Iterator<Item = (&Endpoint, Protocol)> {
    let served = [
        (&arguments.socketmap, Protocol::Socketmap),
        (&arguments.tcp_forward, Protocol::Tcp(Map::Forward)),
        (&arguments.tcp_reverse, Protocol::Tcp(Map::Reverse)),
    ];
    served
        .into_iter()
        .filter_map(|(endpoint, protocol)| Some((endpoint.as_ref()?, protocol)))
}
