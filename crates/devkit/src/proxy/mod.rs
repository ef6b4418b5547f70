//! A TCP proxy that a test puts in front of a service, to do to its connections what networks do:
//! fall silent, part, refuse, cut, delay, lead elsewhere.
//!
//! The worst of these is silence, because nobody is told of it: no FIN, no RST. A firewall that
//! forgot its connections is like that, and a host that lost power.
//!
//! What this cannot show: the proxy's kernel still acknowledges what each side sends, so TCP's own
//! limits (keepalive, user timeout) never strike here.

mod connection;
mod fault;
mod target;
mod wire;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub use connection::Which;
use connection::{Connections, Fate};
pub use fault::Fault;
use fault::Faults;
pub use target::Target;
use wire::Weather;

use crate::Error;

/// A proxy on a port of its own. Dropped, it is gone with all its connections.
///
/// Its tasks run on the runtime that called [`TcpProxy::start`]. What is done to it takes effect as
/// soon as that runtime gets to it, on what is then under way too.
pub struct TcpProxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    connections: Arc<Connections>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    /// A proxy in front of `target`, which need not be there yet.
    pub async fn start(target: impl Into<Target>) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(Error::Listen)?;
        let address = listener.local_addr().map_err(Error::Listen)?;
        let weather = watch::Sender::new(Weather::fair(target.into()));
        let connections = Arc::<Connections>::default();
        let accepting = accept(listener, weather.subscribe(), Arc::clone(&connections));
        Ok(Self {
            address,
            weather,
            connections,
            accepting: tokio::spawn(accepting),
        })
    }

    /// A proxy in front of the server of a Postgres URL, whether that is a port or a unix socket.
    pub async fn to_database(url: &str) -> Result<Self, Error> {
        Self::start(Target::of_database(url)?).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A Postgres URL whose server is this proxy's target, leading through the proxy. In the clear,
    /// so that [`Which::Named`] and [`Which::Saying`] can be read.
    pub fn url(&self, url: &str) -> String {
        target::through(url, self.address)
    }

    /// Makes connections fall silent, for good: nothing more comes through, either way, and no end.
    /// What the client still sends is thrown away; both sockets stay open, even if the client closes
    /// its own. New connections go through. Returns how many fell silent.
    pub fn silence(&self, which: Which<'_>) -> usize {
        self.connections.decide(which, Fate::Silent)
    }

    /// Cuts connections, silent ones too. Returns how many.
    pub fn cut(&self, which: Which<'_>) -> usize {
        self.connections.decide(which, Fate::Cut)
    }

    /// How many connections go through now.
    pub fn count(&self, which: Which<'_>) -> usize {
        self.connections.count(which)
    }

    /// While it is on, nothing comes through on any connection, and new ones are not answered. What
    /// is sent meanwhile arrives afterwards, the end of a connection too, as TCP sends again what
    /// was lost; where it should not, [`TcpProxy::silence`] the connections first.
    pub fn partition(&self, on: bool) {
        self.weather.send_modify(|weather| weather.parted = on);
    }

    /// While it is on, new connections are closed at once.
    pub fn refuse(&self, on: bool) {
        self.weather.send_modify(|weather| weather.refusing = on);
    }

    /// Delays everything that is sent from now on, each way. Only the delay grows: as much comes
    /// through in a second as before.
    pub fn latency(&self, latency: Duration) {
        self.weather
            .send_modify(|weather| weather.latency = latency);
    }

    /// Chooses by its number, counted from 0 as they are accepted, what befalls each new connection.
    pub fn befall(&self, choose: impl Fn(usize) -> Option<Fault> + Send + Sync + 'static) {
        let faults = Faults::new(choose);
        self.weather.send_modify(|weather| weather.faults = faults);
    }

    /// Leads new connections to another server.
    pub fn retarget(&self, target: impl Into<Target>) {
        let target = target.into();
        self.weather.send_modify(|weather| weather.target = target);
    }
}

/// Its connections, each with the name of its session and whether it has fallen silent.
impl fmt::Debug for TcpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connections.fmt(f)
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        // Its connections are its own tasks, and end with it.
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    weather: watch::Receiver<Weather>,
    connections: Arc<Connections>,
) {
    let mut served = JoinSet::new();
    loop {
        tokio::select! {
            Some(_ended) = served.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((client, _)) if weather.borrow().refusing => reset(&client),
                Ok((client, _)) => {
                    let (weather, connections) = (weather.clone(), Arc::clone(&connections));
                    let (number, connection) = connections.enter();
                    let fault = weather.borrow().faults.of(number);
                    served.spawn(async move {
                        connection.serve(client, weather, fault).await;
                        connections.leave(number);
                    });
                }
                // Out of descriptors, say: it passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

/// Has the socket end with a RST when it is dropped.
fn reset(socket: &TcpStream) {
    // Fails on a socket that has ended already, which is as good.
    let _: io::Result<()> = socket.set_zero_linger();
}
