//! The lookup service of `examples/postfix` under load, beside `PostSRSd` 1 where it is installed,
//! on loopback in the same run.
//!
//! Each client asks, waits for the reply, and asks again, as Postfix does. All ask for senders to be
//! rewritten, each for another.

#![cfg_attr(not(unix), allow(unused))]

#[cfg(unix)]
#[path = "../tests/example/mod.rs"]
mod example;

#[cfg(unix)]
mod load {
    use std::fs;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::sync::Barrier;
    use std::thread;
    use std::time::{Duration, Instant};

    use crate::example::example;

    /// How many connections at a time, and how many lookups in all.
    const LOADS: [(usize, usize); 2] = [(1, 200_000), (100, 200_000)];

    /// The lookups after which the memory is looked at.
    const MANY: usize = 1_000_000;

    struct Load {
        times: Vec<Duration>,
        all: Duration,
        memory: Option<u64>,
    }

    struct Service {
        name: &'static str,
        child: Child,
        port: u16,
    }

    impl Drop for Service {
        fn drop(&mut self) {
            // It may have ended by itself.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }

    impl Service {
        /// Starts it, and waits until it listens.
        fn start(name: &'static str, command: impl Fn(u16, u16) -> Command) -> Option<Self> {
            let (port, other) = (free_port(), free_port());
            let child = command(port, other)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .ok()?;
            let service = Self { name, child, port };
            for _ in 0..500 {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return Some(service);
                }
                thread::sleep(Duration::from_millis(10));
            }
            panic!("{name} does not listen");
        }

        /// The memory of all its processes, in KiB, where the system tells: `PostSRSd` has one for each
        /// connection. What several share counts once.
        fn memory(&self) -> Option<u64> {
            let own = self.child.id();
            let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).ok()?;
            let ids = children.split_whitespace().map(str::to_owned);
            let memory = ids
                .chain([own.to_string()])
                // One that has just ended has none.
                .filter_map(|id| {
                    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
                    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
                    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
                });
            Some(memory.sum())
        }

        /// The time of each lookup, and of all, and the memory while the connections are open.
        fn load(&self, connections: usize, lookups: usize) -> Load {
            let (begin, end) = (Barrier::new(connections + 1), Barrier::new(connections + 1));
            let closed = Barrier::new(connections + 1);
            thread::scope(|scope| {
                let clients: Vec<_> = (0..connections)
                    .map(|client| {
                        let (begin, end, closed) = (&begin, &end, &closed);
                        scope.spawn(move || {
                            let mut stream = self.connect();
                            // Once before, so that it is taken by then.
                            Self::ask(&mut stream, client, 1);
                            begin.wait();
                            let times = Self::ask(&mut stream, client, lookups / connections);
                            end.wait();
                            closed.wait();
                            times
                        })
                    })
                    .collect();
                begin.wait();
                let start = Instant::now();
                end.wait();
                let all = start.elapsed();
                let memory = self.memory();
                closed.wait();
                let times = clients
                    .into_iter()
                    .flat_map(|client| client.join().expect("no panic"));
                let mut times: Vec<_> = times.collect();
                times.sort_unstable();
                Load { times, all, memory }
            })
        }

        fn connect(&self) -> BufReader<TcpStream> {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens");
            stream.set_nodelay(true).expect("a socket");
            BufReader::new(stream)
        }

        fn ask(stream: &mut BufReader<TcpStream>, client: usize, lookups: usize) -> Vec<Duration> {
            let mut reply = String::new();
            (0..lookups)
                .map(|number| {
                    let request = format!("get user{client}.{number}@example.com\n");
                    let start = Instant::now();
                    stream
                        .get_mut()
                        .write_all(request.as_bytes())
                        .expect("it reads");
                    reply.clear();
                    stream.read_line(&mut reply).expect("it answers");
                    let time = start.elapsed();
                    assert!(reply.starts_with("200 SRS0="), "{reply}");
                    time
                })
                .collect()
        }
    }

    fn free_port() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.local_addr().expect("a socket").port()
    }

    fn ours(
        name: &'static str,
        secrets: &Path,
        level: &'static str,
        log: &Path,
    ) -> Option<Service> {
        let program = example("postfix");
        Service::start(name, |port, _| {
            let mut command = Command::new(&program);
            command
                .args(["--srs-domain", "srs.example.net", "--secretfile"])
                .arg(secrets)
                .args(["--tcp-forward", &format!("inet:127.0.0.1:{port}")])
                .args(["--log-level", level])
                .stderr(fs::File::create(log).expect("a file for the log"));
            command
        })
    }

    fn postsrsd(secrets: &Path) -> Option<Service> {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        Service::start("PostSRSd 1", |port, other| {
            let mut command = Command::new("postsrsd");
            command
                .env("PATH", &path)
                .args(["-4", "-dsrs.example.net"])
                .args([format!("-f{port}"), format!("-r{other}")])
                .arg(format!("-s{}", secrets.display()))
                .stderr(Stdio::null());
            command
        })
    }

    pub(crate) fn main() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let secrets = folder.join("lookups.secret");
        fs::write(&secrets, "tops3cr3t\n").expect("a file for the secret");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&secrets, private).expect("a file of one's own");
        let log = folder.join("lookups.log");

        println!(
            "{:<24} {:>11} {:>10} {:>10} {:>10} {:>8}",
            "", "connections", "lookups/s", "median us", "99% us", "KiB"
        );
        let services = [
            ours("mail-srs", &secrets, "warn", &log),
            ours(
                "mail-srs, with a log",
                &secrets,
                "info",
                &log.with_extension("info"),
            ),
            postsrsd(&secrets),
        ];
        if services.iter().any(Option::is_none) {
            println!("left out, for it is not installed: PostSRSd 1 (apt-get install postsrsd)");
        }
        for service in services.iter().flatten() {
            for (connections, lookups) in LOADS {
                let Load { times, all, memory } = service.load(connections, lookups);
                let memory = memory.map_or_else(String::new, |memory| memory.to_string());
                let micros = |share: f64| {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        clippy::cast_precision_loss,
                        reason = "a place in the list, which is not that long"
                    )]
                    let place = (share * (times.len() - 1) as f64) as usize;
                    times[place].as_secs_f64() * 1e6
                };
                #[expect(clippy::cast_precision_loss, reason = "it is not so many")]
                let rate = times.len() as f64 / all.as_secs_f64();
                let (median, last) = (micros(0.5), micros(0.99));
                let name = service.name;
                println!(
                    "{name:<24} {connections:>11} {rate:>10.0} {median:>10.1} {last:>10.1} {memory:>8}"
                );
            }
        }
        println!();
        for service in services.iter().flatten() {
            let before = service.load(10, 10).memory;
            if let (Some(before), Some(after)) = (before, service.load(10, MANY).memory) {
                let name = service.name;
                println!("{name:<24} {after:>7} KiB after {MANY} further lookups, {before} before");
            }
        }
    }
}

fn main() {
    #[cfg(unix)]
    load::main();
}
