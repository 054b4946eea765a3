//! `datatracks sfu`

use std::{env, net::SocketAddr};

use clap::Args;
use datatracks::host::{
    room::ApiKey,
    sfu::{
        Impairment, RoomOptions, Rooms,
        listen::{self, Server, ServerOptions},
        plain,
    },
};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::{
    failure::Failure,
    interrupt::interrupted,
    output::{data, tell},
    secrets::{secret, secret_in_file},
};

/// Serve rooms on this machine, for tests and demonstrations
///
/// Behaves as livekit-server does as far as data tracks go; there is no audio, no video and no cluster.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Sfu {
    /// Where LiveKit clients join; port 0 picks a free one, which is printed
    #[arg(long, value_name = "ADDRESS", required_unless_present = "plain")]
    listen: Option<SocketAddr>,
    /// Where hosts without WebRTC join, over plain TCP and without a token
    #[arg(long, value_name = "ADDRESS")]
    plain: Option<SocketAddr>,
    /// Harm packets on purpose, as in loss=2%,reorder=8,duplicate=1%,seed=7
    #[arg(long, value_name = "FAULTS")]
    impair: Option<Impairment>,
    /// API key that tokens must be signed with
    #[arg(long, env = "LIVEKIT_API_KEY", value_name = "KEY", default_value = "devkey")]
    api_key: String,
    /// API secret that tokens must be signed with [default: secret]; better given by the environment, which no list of processes shows
    #[arg(
        long,
        env = SECRET,
        hide_env_values = true,
        value_name = "SECRET",
        value_parser = secret
    )]
    api_secret: Option<Zeroizing<String>>,
    /// A file with that secret
    #[arg(
        long,
        env = "LIVEKIT_API_SECRET_FILE",
        value_name = "FILE",
        value_parser = secret_in_file,
        conflicts_with = "api_secret"
    )]
    api_secret_file: Option<Zeroizing<String>>,
}

impl Sfu {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let secret = self.secret()?;
        let impairment = self.impair.unwrap_or_default();
        let rooms = Rooms::new(RoomOptions { impairment, ..RoomOptions::default() });
        let server = match self.listen {
            Some(address) => Some(self.listen_at(address, &secret, rooms.clone()).await?),
            None => None,
        };
        let served = match self.plain {
            Some(address) => serve_plain(address, rooms).await,
            None => {
                interrupted().await;
                Ok(())
            }
        };
        if let Some(server) = server {
            server.close().await;
        }
        served.and(Err(Failure::Interrupted))
    }

    /// One that is empty is no wish for the one that everybody knows: a script may have failed to fill it.
    fn secret(&self) -> Result<Zeroizing<String>, Failure> {
        match self.api_secret_file.as_ref().or(self.api_secret.as_ref()) {
            Some(secret) => Ok(secret.clone()),
            None if env::var_os(SECRET).is_some() => {
                Err(Failure::Usage(format!("{SECRET} is empty")))
            }
            None => Ok(Zeroizing::new(KNOWN_SECRET.into())),
        }
    }

    async fn listen_at(
        &self,
        address: SocketAddr,
        secret: &str,
        rooms: Rooms,
    ) -> Result<Server, Failure> {
        let key = ApiKey::new(self.api_key.as_str(), secret);
        let server = Server::start(ServerOptions {
            address,
            key,
            rooms,
            limits: listen::Limits::default(),
            site: None,
        })
        .await;
        let server = server.map_err(unusable(address))?;
        data(&format!("listening ws://{}", server.address()))?;
        if secret == KNOWN_SECRET && !server.address().ip().is_loopback() {
            tell(
                "others can reach this address, and everybody knows this secret: give --api-secret or LIVEKIT_API_SECRET",
            );
        }
        Ok(server)
    }
}

/// Until Ctrl-C.
async fn serve_plain(address: SocketAddr, rooms: Rooms) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await.map_err(unusable(address))?;
    let bound = listener.local_addr().map_err(unusable(address))?;
    data(&format!("plain {bound}"))?;
    if !bound.ip().is_loopback() {
        tell("the plain protocol has no authentication, and others can reach this address");
    }
    plain::serve(listener, rooms, plain::Limits::default(), interrupted()).await;
    Ok(())
}

/// Why nobody listens there.
pub(crate) fn unusable(address: SocketAddr) -> impl Fn(std::io::Error) -> Failure {
    move |error| {
        Failure::other(format!("cannot listen at {address}: {error}; port 0 picks a free one"))
    }
}

const SECRET: &str = "LIVEKIT_API_SECRET";

/// That of `livekit-server --dev`.
const KNOWN_SECRET: &str = "secret";

const AFTER_HELP: &str = "\
Examples:
  datatracks sfu --listen 127.0.0.1:7880
  datatracks sfu --plain 127.0.0.1:0 --impair loss=2%,seed=7

Those who join over --listen and over --plain meet in the same rooms. Clients find it as they find livekit-server --dev: key devkey,
secret secret. On a loopback address all traffic stays on this machine. The messages of --plain, with its controls for tests, are in
docs/plain-protocol.md.";
