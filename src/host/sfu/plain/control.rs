//! Test controls from JSON.

use crate::host::{
    plain,
    sfu::{Control, Impairment, Permissions},
};

/// What the test asks for, given what the participant may do now. The error is for people.
pub(super) fn read(json: &[u8], now: Permissions) -> Result<Control, String> {
    let control = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok(match control {
        plain::Control::DropSession { mode } => Control::DropSession(mode),
        plain::Control::RefuseNext { reason } => Control::RefuseNext(reason),
        plain::Control::LoseNext => Control::LoseNext,
        plain::Control::Revoke => Control::Permit(Permissions { can_publish_data: false, ..now }),
        plain::Control::Grant => Control::Permit(Permissions { can_publish_data: true, ..now }),
        plain::Control::RevokeSubscribe => {
            Control::Permit(Permissions { can_subscribe: false, ..now })
        }
        plain::Control::GrantSubscribe => {
            Control::Permit(Permissions { can_subscribe: true, ..now })
        }
        plain::Control::Impair { spec } => {
            let impairment: Impairment = spec
                .parse()
                .map_err(|error: crate::host::sfu::ImpairmentError| error.to_string())?;
            Control::Impair(impairment)
        }
    })
}
