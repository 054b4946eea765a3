//! The end of a run: everything is mended, and everybody gets the time to get over it.

use std::time::Duration;

use datatracks::{
    host::{
        plain::DropMode,
        sfu::{Control, Impairment, Output, Permissions},
    },
    signal::{
        self, SignalIn,
        session::{self, GetDataBlobRequest, Request},
    },
};

use super::{chance::Chance, room::Room};

impl Room {
    /// Mends the network, the server and the hosts, and lets time pass.
    pub fn heal(&mut self) {
        self.chance = Chance::new(0);
        // First: what is mended for one calls back at others.
        self.participants.iter().for_each(|participant| participant.host.heal());
        for stranger in std::mem::take(&mut self.strangers) {
            let now = self.now();
            self.sfu.control(now, stranger.seat, Control::DropSession(DropMode::Full));
        }
        for who in 0..self.participants.len() {
            self.participants[who].deceived = false;
            self.use_up_refusal(who);
            self.control(who, Control::Impair(Impairment::default()));
            self.control(who, Control::Permit(Permissions::default()));
            self.permit_readers(who, true);
            self.move_to(who, 0);
        }
        for _ in 0..ROUNDS {
            for participant in &self.participants {
                participant.local.handle_buffered_amount(0);
            }
            self.pass(1);
        }
        // A session more for each: a quick reconnect settles what revoked permissions left open. A lost snapshot of handles is
        // never sent again within a session (protocol §3.11), so who missed one joins anew.
        for who in 0..self.participants.len() {
            if self.participants[who].needs_a_session || !self.resume(who) {
                self.rejoin(who);
            }
            self.pass(4);
        }
        for _ in 0..ROUNDS {
            self.pass(1);
        }
        self.audit();
        self.assert_understood();
    }

    /// Names of the tracks that the SFU lists for a participant.
    pub fn published_at_sfu(&self, identity: &str) -> Vec<String> {
        let listed = self.audit.iter().filter(|participant| participant.identity == identity);
        let tracks = listed.flat_map(|participant| &participant.tracks);
        tracks.map(|track| track.info.name.clone()).collect()
    }

    /// SIDs of what the SFU forwards to a participant.
    pub fn subscribed_at_sfu(&self, identity: &str) -> Vec<String> {
        let all = self.sfu.subscription_stats();
        all.into_iter().filter(|one| one.subscriber == identity).map(|one| one.track_sid).collect()
    }

    fn pass(&mut self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
        self.poll_calls();
        self.read_streams();
    }

    /// An answer that nobody waits for is the next to be refused, or lost: what nobody has met yet is no fault of a healed server.
    fn use_up_refusal(&mut self, who: usize) {
        let question = GetDataBlobRequest { request_id: u32::MAX, ..Default::default() };
        self.send_signal(who, &session::encode_request(Request::GetDataBlob(question)));
    }

    /// A guest joins, is told who is there and what they publish, and leaves.
    fn audit(&mut self) {
        self.run_network();
        let guest = self.sfu.join("auditor", Permissions::default()).unwrap();
        while let Some(output) = self.next_output() {
            match &output {
                Output::Signal { to, bytes } if *to == guest => {
                    let decoded = signal::decode(bytes, |_| true).unwrap();
                    if let Some(SignalIn::Join { others, .. }) = decoded.message {
                        self.audit = others;
                    }
                }
                _ => self.deliver(output),
            }
        }
        let now = self.now();
        self.sfu.control(now, guest, Control::DropSession(DropMode::Full));
        self.run_network();
    }
}

/// Longer than any time-out of the library, in seconds.
const ROUNDS: u32 = 40;
