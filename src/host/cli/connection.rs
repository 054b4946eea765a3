//! Joining a room as the options say, and leaving it however the work ends.

use std::time::Duration;

use clap::Args;
use datatracks::{
    error::SignalError,
    host::room::{
        ApiKey, EndReason, Grants, NotOpen, Room, RoomEvent, ServerAddress, Token,
        transport::JoinOptions,
    },
};
use tokio::{
    select,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, sleep},
};
use zeroize::Zeroizing;

use crate::{
    failure::Failure,
    interrupt::interrupted,
    output::tell,
    secrets::{key_ring, secret, secret_in_file},
};

#[derive(Args)]
pub(crate) struct Connection {
    #[command(flatten)]
    server: Server,
    /// Name of the room
    #[arg(long, value_name = "NAME", required_unless_present_any = ["token", "token_file"], help_heading = ROOM)]
    room: Option<String>,
    /// Who joins; made up where not given
    #[arg(long, value_name = "NAME", help_heading = ROOM)]
    identity: Option<String>,
    /// A token that somebody else made; it names room and identity. Better given by the environment, which no list of processes shows
    #[arg(
        long,
        env = "LIVEKIT_TOKEN",
        hide_env_values = true,
        value_parser = secret,
        conflicts_with_all = ["room", "identity"],
        help_heading = ROOM
    )]
    token: Option<Zeroizing<String>>,
    /// A file with such a token
    #[arg(
        long,
        env = "LIVEKIT_TOKEN_FILE",
        value_name = "FILE",
        value_parser = secret_in_file,
        conflicts_with_all = ["token", "room", "identity"],
        help_heading = ROOM
    )]
    token_file: Option<Zeroizing<String>>,
}

/// Where the server is, and what it knows its users by.
#[derive(Args)]
pub(crate) struct Server {
    /// Address of the server: ws://HOST:PORT or wss://HOST
    #[arg(long, env = "LIVEKIT_URL", value_name = "URL", value_parser = ServerAddress::parse, help_heading = SERVER)]
    pub(crate) url: ServerAddress,
    /// API key of the server
    #[arg(long, env = "LIVEKIT_API_KEY", value_name = "KEY", help_heading = SERVER)]
    api_key: Option<String>,
    /// API secret of the server; better given by the environment, which no list of processes shows
    #[arg(long, env = "LIVEKIT_API_SECRET", hide_env_values = true, value_name = "SECRET", value_parser = secret, help_heading = SERVER)]
    api_secret: Option<Zeroizing<String>>,
    /// A file with that secret
    #[arg(
        long,
        env = "LIVEKIT_API_SECRET_FILE",
        value_name = "FILE",
        value_parser = secret_in_file,
        conflicts_with = "api_secret",
        help_heading = SERVER
    )]
    api_secret_file: Option<Zeroizing<String>>,
}

/// A room that was joined, and what happens in it.
pub(crate) struct Joined {
    pub(crate) room: Room,
    events: UnboundedReceiver<RoomEvent>,
}

impl Connection {
    /// Joins; `hidden` keeps others from noticing.
    pub(crate) async fn join(&self, hidden: bool) -> Result<Joined, Failure> {
        self.server.join(self.token(hidden)?).await
    }

    fn token(&self, hidden: bool) -> Result<Token, Failure> {
        if let Some(token) = self.token.as_ref().or(self.token_file.as_ref()) {
            return Ok(Token::new(token.as_str()));
        }
        let identity = self.identity.clone().unwrap_or_else(made_up_name);
        let mut grants = Grants::new(identity, self.room.clone().unwrap_or_default());
        grants.hidden = hidden;
        Ok(self.server.key()?.sign(&grants))
    }
}

impl Server {
    pub(crate) async fn join(&self, token: Token) -> Result<Joined, Failure> {
        let options = JoinOptions::new(self.url.clone(), token);
        let (room, events) = select! {
            // First, so that whoever sees us connect can interrupt us.
            biased;
            () = interrupted() => return Err(Failure::Interrupted),
            joined = Room::join(options, key_ring()?) => joined?,
        };
        let own = room.participant();
        let (identity, name, version) = (&own.identity, &own.room, &own.server_version);
        tell(&format!("joined \"{name}\" as \"{identity}\" (server {version})"));
        Ok(Joined { room, events })
    }

    pub(crate) fn key(&self) -> Result<ApiKey, Failure> {
        match (&self.api_key, self.api_secret.as_ref().or(self.api_secret_file.as_ref())) {
            (Some(key), Some(secret)) => Ok(ApiKey::new(key.as_str(), secret.as_str())),
            _ => Err(Failure::Usage(
                "give --token, or LIVEKIT_API_KEY and LIVEKIT_API_SECRET (--api-key, --api-secret), or files with them"
                    .into(),
            )),
        }
    }
}

impl Joined {
    /// Does `work` in the room until it is done, the room is lost, or Ctrl-C; then leaves.
    pub(crate) async fn run(
        self,
        work: impl AsyncFnOnce(&Room) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.run_with_tracks(async |room, tracks| {
            // Or else they would be kept as long as the work takes.
            drop(tracks);
            work(room).await
        })
        .await
    }

    /// As [`run`](Self::run). `work` hears of tracks that others begin and end to publish.
    pub(crate) async fn run_with_tracks(
        mut self,
        work: impl AsyncFnOnce(&Room, UnboundedReceiver<RoomEvent>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (tracks, heard) = unbounded_channel();
        let outcome = select! {
            biased;
            () = interrupted() => Err(Failure::Interrupted),
            reason = watch(&mut self.events, &tracks) => Err(lost(reason)),
            outcome = work(&self.room, heard) => match outcome {
                // Whatever the work makes of it: the reason follows at once.
                Err(_) if is_shut_down(&self.room) => {
                    Err(lost(watch(&mut self.events, &tracks).await))
                }
                outcome => outcome,
            },
        };
        self.room.leave().await;
        outcome
    }
}

/// What is sent before the data channel is open is lost, in both directions. A channel that the server closes means
/// that the room is about to be lost, or that the server has no data tracks: the room finds out, and joins anew meanwhile.
pub(crate) async fn wait_until_open(room: &Room) -> Result<(), Failure> {
    let deadline = Instant::now() + OPENING_TIME;
    loop {
        match room.wait_until_open(deadline.saturating_duration_since(Instant::now())).await {
            Ok(()) => return Ok(()),
            Err(NotOpen::Closed | NotOpen::TimedOut) if Instant::now() < deadline => {
                sleep(LOOK_AGAIN).await;
            }
            Err(NotOpen::Closed | NotOpen::TimedOut) => {
                return Err(lost(EndReason::Unopened));
            }
        }
    }
}

/// A room that is lost shuts its managers down, and tells why when all its connections are closed.
fn is_shut_down(room: &Room) -> bool {
    room.local().handle_signal_response(Vec::new()) == Err(SignalError::Closed)
}

/// Tells people what happens to the connection, and `tracks` what happens to tracks, until the room is closed for good.
async fn watch(
    events: &mut UnboundedReceiver<RoomEvent>,
    tracks: &UnboundedSender<RoomEvent>,
) -> EndReason {
    while let Some(event) = events.recv().await {
        match event {
            RoomEvent::Reconnecting(interruption) => tell(&format!("{interruption}; reconnecting")),
            RoomEvent::AttemptFailed(error) => tell(&format!("{error}; trying again")),
            RoomEvent::Reconnected(reconnection) => tell(&format!("reconnected ({reconnection})")),
            RoomEvent::Closed(reason) => return reason,
            // Who does not listen has dropped the other end.
            RoomEvent::TrackPublished(_) | RoomEvent::TrackUnpublished(..) => {
                tracks.send(event).ok();
            }
            RoomEvent::OwnTrackUnpublished(..) => {}
        }
    }
    EndReason::ConnectionLost
}

fn lost(reason: EndReason) -> Failure {
    match reason {
        EndReason::ChannelRefused => Failure::NoDataTracks,
        EndReason::TokenRefused => Failure::Unauthorized(reason.to_string()),
        EndReason::Unopened => Failure::TimedOut(reason.to_string()),
        reason => Failure::Lost(reason),
    }
}

/// For a participant or a room that nobody else has.
pub(crate) fn made_up_name() -> String {
    let mut chance = [0; 3];
    getrandom::fill(&mut chance).ok();
    let digits: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("datatracks-{digits}")
}

/// For three attempts of the room; usually the first takes far below one second.
const OPENING_TIME: Duration = Duration::from_secs(30);

/// While the room finds out why the channel was closed.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

const SERVER: &str = "Server";

const ROOM: &str = "Room";
