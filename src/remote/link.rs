//! How the SFU and we stand about one SID: what we asked for, and what its last snapshot says (protocol §3.8).
//!
//! ```text
//!        want: ask              handle, wanted
//!  Off ────────────► Asked ───────────────────────► On ◄───── want ───── Offered
//!   ▲ ▲                │ ▲          handle gone      │ │                   ▲ │
//!   │ │                │ └───────────────────────────┘ │ no longer wanted: │ │ handle gone
//!   │ │                │ handle, not wanted any more:  │ end               │ │
//!   │ │                │ end                           │            handle,│ │
//!   │ │                └──────────► Ending ◄───────────┘          not asked│ │
//!   │ └───────────────────────────── handle gone (wanted again: ask, Asked)  │
//!   └────────────────────────────────────────────────────────────────────────┘
//! ```
//! *Ask* sends subscribe = true, *end* sends subscribe = false. Servers up to 1.13.5 freeze for good when they are told to end what
//! they want but have not fulfilled. So nothing is ended but what the last snapshot holds, and what is being ended is not
//! asked for again until a snapshot has let go of it: the same SID is never toggled faster than snapshots come in. A
//! subscription that nobody waits for any more stays `Asked`, and is ended when its handle comes.
//!
//! Each state may become `Gone`: the session in which the SID was valid is lost, and nothing is said about it any more. Under the
//! next SID the link begins anew.

use crate::track::Handle;

/// See the drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing asked for, nothing there.
    #[default]
    Off,
    /// There without our asking (`auto_subscribe_data_track`): left alone.
    Offered(Handle),
    /// Asked for; no handle yet, or no longer.
    Asked,
    /// There, as asked.
    On(Handle),
    /// There, but ended: a snapshot without it must come.
    Ending(Handle),
    /// The SID is not valid any more; what is wanted waits for the next one.
    Gone,
}

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Ask,
    End,
}

type Step = (Link, Option<Request>);

impl Link {
    /// As in the drawing.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Offered(_) => "Offered",
            Self::Asked => "Asked",
            Self::On(_) => "On",
            Self::Ending(_) => "Ending",
            Self::Gone => "Gone",
        }
    }

    /// Somebody wants the track, for the first time or again.
    pub(super) fn want(self) -> Step {
        match self {
            Self::Off | Self::Asked => (Self::Asked, Some(Request::Ask)),
            Self::Offered(handle) | Self::On(handle) => (Self::On(handle), None),
            Self::Ending(_) | Self::Gone => (self, None),
        }
    }

    /// Nobody wants the track any more.
    pub(super) fn let_go(self) -> Step {
        match self {
            Self::On(handle) => (Self::Ending(handle), Some(Request::End)),
            Self::Off | Self::Offered(_) | Self::Asked | Self::Ending(_) | Self::Gone => {
                (self, None)
            }
        }
    }

    /// A snapshot came, with or without a handle for the SID.
    pub(super) fn snapshot(self, handle: Option<Handle>, wanted: bool) -> Step {
        match (self, handle) {
            (Self::Off, None) | (Self::Offered(_), None) => (Self::Off, None),
            (Self::Off, Some(handle)) | (Self::Offered(_), Some(handle)) if wanted => {
                (Self::On(handle), None)
            }
            (Self::Off, Some(handle)) | (Self::Offered(_), Some(handle)) => {
                (Self::Offered(handle), None)
            }
            (Self::Asked, None) => (Self::Asked, None),
            // Also what nobody wants any more: its end was not sent, so that the SFU would give a handle again.
            (Self::On(_), None) => (Self::Asked, None),
            (Self::Asked, Some(handle)) | (Self::On(_), Some(handle)) if wanted => {
                (Self::On(handle), None)
            }
            (Self::Asked, Some(handle)) | (Self::On(_), Some(handle)) => {
                (Self::Ending(handle), Some(Request::End))
            }
            (Self::Ending(_), None) if wanted => (Self::Asked, Some(Request::Ask)),
            (Self::Ending(_), None) => (Self::Off, None),
            (Self::Ending(_), Some(handle)) => (Self::Ending(handle), None),
            (Self::Gone, Some(_) | None) => (Self::Gone, None),
        }
    }

    /// The signal connection was interrupted, so that requests and snapshots may be lost.
    ///
    /// Nobody knows whether the SFU has taken the end of what is wanted again. Asked now, it keeps the old handle or gives a new
    /// one; until a snapshot, or time, tells which, nothing may be ended: so it counts as `Asked`.
    pub(super) fn resend(self, wanted: bool) -> Step {
        match self {
            Self::Off | Self::Asked | Self::Ending(_) if wanted => {
                (Self::Asked, Some(Request::Ask))
            }
            Self::On(handle) if wanted => (Self::On(handle), Some(Request::Ask)),
            Self::On(handle) | Self::Ending(handle) => (Self::Ending(handle), Some(Request::End)),
            Self::Offered(handle) if wanted => (Self::On(handle), None),
            Self::Off | Self::Offered(_) | Self::Asked | Self::Gone => (self, None),
        }
    }

    /// The host could not send a request. What was not ended is ended with the next snapshot, resend, or when it is made again.
    pub(super) fn not_sent(self, request: Request) -> Self {
        match (self, request) {
            (Self::Ending(handle), Request::End) => Self::On(handle),
            (
                Self::Off | Self::Offered(_) | Self::Asked | Self::On(_) | Self::Gone,
                Request::End,
            )
            | (_, Request::Ask) => self,
        }
    }

    /// Where a track begins whose SID is new, given the handle that the last snapshot holds for that SID.
    pub(super) fn begin(handle: Option<Handle>, wanted: bool) -> Step {
        match (handle, wanted) {
            (Some(handle), true) => (Self::On(handle), None),
            (Some(handle), false) => (Self::Offered(handle), None),
            (None, true) => (Self::Asked, Some(Request::Ask)),
            (None, false) => (Self::Off, None),
        }
    }

    /// After a time-out of `Asked` although the last snapshot holds a handle, see [`resend`](Self::resend).
    pub(super) fn trust(self, handle: Option<Handle>) -> Self {
        match (self, handle) {
            (Self::Asked, Some(handle)) => Self::On(handle),
            (Self::Asked, None)
            | (Self::Off | Self::Offered(_) | Self::On(_) | Self::Ending(_) | Self::Gone, _) => {
                self
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Link::*, *};

    fn h(number: u16) -> Handle {
        Handle::new(number).unwrap()
    }

    fn all() -> [Link; 6] {
        [Off, Offered(h(1)), Asked, On(h(1)), Ending(h(1)), Gone]
    }

    #[test]
    fn a_handle_must_be_there_for_an_end_to_be_sent() {
        let may_end = |before: Link, (_, request): Step| {
            assert!(
                request != Some(Request::End) || ![Off, Asked, Gone].contains(&before),
                "{before:?}"
            );
        };
        for link in all() {
            may_end(link, link.want());
            may_end(link, link.let_go());
            may_end(link, link.snapshot(None, true));
            may_end(link, link.snapshot(None, false));
            may_end(link, link.resend(true));
            may_end(link, link.resend(false));
        }
    }

    #[test]
    fn nothing_is_said_about_a_sid_that_is_gone() {
        for (step, what) in [
            (Gone.want(), "want"),
            (Gone.let_go(), "let go"),
            (Gone.snapshot(Some(h(1)), true), "snapshot"),
            (Gone.snapshot(None, false), "snapshot without it"),
            (Gone.resend(true), "resend"),
            ((Gone.trust(Some(h(1))), None), "trust"),
        ] {
            assert_eq!(step, (Gone, None), "{what}");
        }
    }

    #[test]
    fn what_is_being_ended_is_asked_for_again_only_once_it_is_gone() {
        assert_eq!(Ending(h(1)).want(), (Ending(h(1)), None));
        assert_eq!(Ending(h(1)).snapshot(Some(h(1)), true), (Ending(h(1)), None));
        assert_eq!(Ending(h(1)).snapshot(None, true), (Asked, Some(Request::Ask)));
    }

    #[test]
    fn an_abandoned_subscription_is_ended_when_its_handle_comes() {
        assert_eq!(Asked.let_go(), (Asked, None));
        assert_eq!(Asked.snapshot(None, false), (Asked, None));
        assert_eq!(Asked.snapshot(Some(h(2)), false), (Ending(h(2)), Some(Request::End)));
        assert_eq!(Ending(h(2)).snapshot(None, false), (Off, None));
    }

    #[test]
    fn what_the_sfu_offers_is_taken_without_asking_and_left_alone_otherwise() {
        assert_eq!(Off.snapshot(Some(h(3)), false), (Offered(h(3)), None));
        assert_eq!(Offered(h(3)).want(), (On(h(3)), None));
        assert_eq!(Offered(h(3)).resend(false), (Offered(h(3)), None));
        assert_eq!(Offered(h(3)).snapshot(None, false), (Off, None));
    }

    #[test]
    fn an_end_that_was_not_sent_is_sent_with_the_next_snapshot() {
        let (ending, _) = On(h(1)).let_go();
        let unsent = ending.not_sent(Request::End);
        assert_eq!(unsent, On(h(1)));
        assert_eq!(unsent.snapshot(Some(h(1)), false), (Ending(h(1)), Some(Request::End)));
        assert_eq!(unsent.want(), (On(h(1)), None), "wanted again: never mind");
        assert_eq!(unsent.snapshot(None, false), (Asked, None), "the SFU may give it again");
    }
}
