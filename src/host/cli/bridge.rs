//! `datatracks bridge`

use std::net::SocketAddr;

use clap::Args;
use datatracks::host::{bridge, plain::Limits};
use tokio::net::TcpListener;

use crate::{
    connection::Server,
    failure::Failure,
    interrupt::interrupted,
    output::{data, tell},
    sfu::unusable,
};

/// Let hosts without WebRTC into real rooms, over plain TCP
///
/// One TCP connection is one participant: it says who it is and which room it wants, then sends and gets the very signals
/// and packets of that participant. For tests of hosts in any language.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Bridge {
    #[command(flatten)]
    server: Server,
    /// Where to listen; port 0 picks a free one, which is printed
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7890")]
    plain: SocketAddr,
}

impl Bridge {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let bridge = bridge::Bridge::new(self.server.url.clone(), self.server.key()?);
        let listener = TcpListener::bind(self.plain).await.map_err(unusable(self.plain))?;
        let address = listener.local_addr().map_err(unusable(self.plain))?;
        data(&format!("plain {address}"))?;
        tell(&format!("bridging {address} to {}", self.server.url.authority()));
        bridge.serve(listener, Limits::default(), interrupted()).await;
        Err(Failure::Interrupted)
    }
}

const AFTER_HELP: &str = "\
Example:
  datatracks bridge --url ws://127.0.0.1:7880 --api-key devkey --api-secret secret --plain 127.0.0.1:7890

Each message is: u8 kind, u32 length (big-endian), bytes.
  0 hello    client, first:  {\"identity\":\"alice\",\"room\":\"lab\"}
             also \"permissions\":{\"can_publish_data\":true,\"can_subscribe\":true}, \"resume\":true
  1 signal   client: SignalRequest; server: SignalResponse, first the join response
  2 packet   one data track packet
  3 control  client: {\"op\":\"drop_session\",\"mode\":\"quick\"} (or full); server: {\"ok\":true}

docs/plain-protocol.md has the rest. There is no authentication: listen on loopback only.";
