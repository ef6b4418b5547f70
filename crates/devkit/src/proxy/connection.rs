//! One connection: what was heard on it, and what is to become of it.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{io::AsyncReadExt, net::TcpStream, sync::watch};

use super::{
    fault::{Fault, unavailable},
    reset,
    target::Stream,
    wire::{Weather, forward, passable},
};

/// Chooses among the connections that are open at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// Every one.
    All,
    /// The n-th that the proxy accepted, from 0; those it refused are not counted.
    Nth(usize),
    /// Those with this application name in the packet with which a session of Postgres begins.
    Named(&'a str),
    /// Those on which the client has said this, within the first 64 KiB or the last 16 KiB.
    Saying(&'a str),
    /// Those that have fallen silent.
    Silent,
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Open,
    Silent,
    Cut,
}

/// The connections that have not ended.
#[derive(Default)]
pub(super) struct Connections(Mutex<Register>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&lock(&self.0).open).finish()
    }
}

#[derive(Default)]
struct Register {
    accepted: usize,
    open: BTreeMap<usize, Arc<Connection>>,
}

impl Connections {
    pub fn enter(&self) -> (usize, Arc<Connection>) {
        let mut register = lock(&self.0);
        let number = register.accepted;
        register.accepted += 1;
        let connection = Arc::new(Connection {
            fate: watch::Sender::new(Fate::Open),
            heard: Mutex::default(),
        });
        register.open.insert(number, Arc::clone(&connection));
        (number, connection)
    }

    pub fn leave(&self, number: usize) {
        lock(&self.0).open.remove(&number);
    }

    /// Seals the fate of some connections, and returns of how many. What is done is not undone.
    pub fn decide(&self, which: Which<'_>, fate: Fate) -> usize {
        let register = lock(&self.0);
        let chosen = register.chosen(which);
        chosen.filter(|connection| connection.decide(fate)).count()
    }

    pub fn count(&self, which: Which<'_>) -> usize {
        let register = lock(&self.0);
        let wanted = match which {
            Which::Silent => Fate::Silent,
            _ => Fate::Open,
        };
        let chosen = register.chosen(which);
        chosen.filter(|c| *c.fate.borrow() == wanted).count()
    }
}

impl Register {
    fn chosen<'a>(&'a self, which: Which<'a>) -> impl Iterator<Item = &'a Arc<Connection>> {
        let open = self.open.iter();
        open.filter(move |(number, connection)| match which {
            Which::All => true,
            Which::Nth(wanted) => **number == wanted,
            Which::Named(name) => lock(&connection.heard).name().as_deref() == Some(name),
            Which::Saying(text) => lock(&connection.heard).contains(text.as_bytes()),
            Which::Silent => *connection.fate.borrow() == Fate::Silent,
        })
        .map(|(_, connection)| connection)
    }
}

pub(super) struct Connection {
    fate: watch::Sender<Fate>,
    heard: Mutex<Heard>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = lock(&self.heard).name().unwrap_or_default();
        write!(f, "{name:?} {:?}", *self.fate.borrow())
    }
}

impl Connection {
    fn decide(&self, fate: Fate) -> bool {
        self.fate.send_if_modified(|now| {
            let worse = fate > *now;
            *now = fate.max(*now);
            worse
        })
    }

    /// Lasts as long as the connection does.
    pub async fn serve(
        &self,
        mut client: TcpStream,
        weather: watch::Receiver<Weather>,
        fault: Option<Fault>,
    ) {
        // Fails on a socket that has ended already; the first read will tell.
        let _ = client.set_nodelay(true);
        let mut server: Option<Box<dyn Stream>> = None;
        let mut fate = self.fate.subscribe();
        tokio::select! {
            biased;
            _ = fate.wait_for(|fate| *fate != Fate::Open) => {}
            () = self.carry(&mut client, &mut server, weather, fault) => return,
        }
        tokio::select! {
            biased;
            _ = fate.wait_for(|fate| *fate == Fate::Cut) => reset(&client),
            () = swallow(&mut client) => {}
        }
    }

    /// Connects and forwards, until either side has had enough.
    async fn carry(
        &self,
        client: &mut TcpStream,
        server: &mut Option<Box<dyn Stream>>,
        weather: watch::Receiver<Weather>,
        fault: Option<Fault>,
    ) {
        match fault {
            Some(Fault::Late(wait)) => tokio::time::sleep(wait).await,
            Some(Fault::Unavailable) => return unavailable(client).await,
            _ => {}
        }
        passable(&mut weather.clone()).await;
        let target = weather.borrow().target.clone();
        match target.connect().await {
            Ok(stream) => {
                let server = server.insert(stream);
                let mut sent = 0;
                let hear = |said: &[u8]| {
                    lock(&self.heard).add(said);
                    sent += said.len() as u64;
                    let cut = matches!(fault, Some(Fault::CutRequest(bytes)) if sent >= bytes);
                    !(cut && self.decide(Fate::Cut))
                };
                let hear_answer = |said: &[u8]| {
                    let cut = fault == Some(Fault::CutAnswer) && !said.is_empty();
                    !(cut && self.decide(Fate::Cut))
                };
                forward(client, server, &weather, hear, hear_answer).await;
            }
            Err(_nobody_there) => reset(client),
        }
    }
}

/// Reads and forgets. Never ends: not even the client's end is passed on.
async fn swallow(client: &mut TcpStream) {
    let mut nowhere = [0; 4096];
    while client.read(&mut nowhere).await.is_ok_and(|read| read > 0) {}
    std::future::pending::<()>().await;
}

const BEGINNING: usize = 64 << 10;
const END: usize = 16 << 10;

/// What a client has said, as far as it is remembered.
#[derive(Debug, Default)]
struct Heard {
    beginning: Vec<u8>,
    end: VecDeque<u8>,
}

impl Heard {
    fn add(&mut self, said: &[u8]) {
        let room = BEGINNING - self.beginning.len();
        self.beginning.extend(&said[..said.len().min(room)]);
        self.end.extend(said);
        let old = self.end.len().saturating_sub(END);
        self.end.drain(..old);
    }

    fn contains(&mut self, text: &[u8]) -> bool {
        contains(&self.beginning, text) || contains(self.end.make_contiguous(), text)
    }

    /// The application name in the packet with which a session of Postgres begins.
    fn name(&self) -> Option<String> {
        let parameter = b"\0application_name\0";
        let mut windows = self.beginning.windows(parameter.len());
        let value = windows.position(|window| window == parameter)? + parameter.len();
        let value = self.beginning[value..].split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_of_what_was_said_are_remembered() {
        let mut heard = Heard::default();
        heard.add(b"\0\x03\0\0user\0me\0application_name\0some part\0\0");
        for _ in 0..100 {
            heard.add(&[b'.'; 1024]);
        }
        heard.add(b"SELECT the ");
        heard.add(b"last");
        assert_eq!(heard.name().as_deref(), Some("some part"));
        assert!(heard.contains(b"SELECT the last"));
        heard.add(&[b'.'; END]);
        assert!(!heard.contains(b"SELECT the last"));
        assert_eq!((heard.beginning.len(), heard.end.len()), (BEGINNING, END));
    }
}
