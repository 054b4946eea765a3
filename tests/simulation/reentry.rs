//! What an application does from inside a callback: anything, as it likes.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use super::{chance::Chance, coverage::REENTRY, host::Host};

macro_rules! reentries {
    ($($name:ident)*) => {
        /// See the module.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reentry { $($name),* }

        impl Reentry {
            pub const ALL: &[Self] = &[$(Self::$name),*];
            pub const NAMES: &[&'static str] = &[$(stringify!($name)),*];
        }
    };
}

reentries! {
    Publish Push Send Unpublish Subscribe CloseStream Read Cancel Report Resend Look Block Shutdown
}

impl Host {
    pub fn reenter(&self, reentry: Reentry, chance: &mut Chance) {
        let app = &self.app;
        app.ledger.visit(REENTRY, format!("{reentry:?}"));
        match reentry {
            Reentry::Publish => app.publish(chance),
            Reentry::Push => app.push(chance, 0..3000),
            Reentry::Send => app.send(chance),
            Reentry::Unpublish => app.unpublish(chance),
            Reentry::Subscribe => app.subscribe(chance),
            Reentry::CloseStream => app.close_stream(chance, true),
            Reentry::Read => app.read_streams(),
            Reentry::Cancel => app.cancel_any(chance),
            Reentry::Report => app.report_room(chance),
            Reentry::Resend => app.resend(),
            Reentry::Look => app.look(),
            Reentry::Block => app.ledger.environment.advance(Duration::from_millis(100)),
            Reentry::Shutdown => self.shut_down(),
        }
    }

    fn shut_down(&self) {
        self.over.store(true, Relaxed);
        self.app.local().iter().for_each(|manager| manager.shutdown());
        self.app.remote().iter().for_each(|manager| manager.shutdown());
    }
}
