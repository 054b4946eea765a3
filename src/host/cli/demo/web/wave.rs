//! Values that make a good plot, in frames as large and as frequent as the demo's.

use std::f64::consts::TAU;

use crate::demo::workload::{WORKLOADS, Workload};

#[derive(Clone, Copy)]
pub(super) struct Wave {
    pub(super) workload: Workload,
    /// Frames from one crest to the next.
    length: f64,
}

const fn wave(workload: Workload, length: f64) -> Wave {
    Wave { workload, length }
}

/// Three to six seconds each.
pub(super) const ALL: [Wave; 3] = {
    let [imu, pose, cloud] = WORKLOADS;
    [wave(imu, 300.0), wave(pose, 4000.0), wave(cloud, 30.0)]
};

impl Wave {
    /// JSON that says the value of the frame of this number, filled up with spaces.
    pub(super) fn frame(&self, number: f64) -> Vec<u8> {
        let mut frame = format!(r#"{{"value":{:.9}}}"#, self.value(number)).into_bytes();
        frame.resize(self.workload.size.max(frame.len()), b' ');
        frame
    }

    fn value(&self, number: f64) -> f64 {
        let angle = TAU * number / self.length;
        angle.sin() + (5.0 * angle).sin() / 4.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_have_the_size_of_their_workload_and_say_a_number() {
        for wave in ALL {
            for number in [0.0, 1.0, 1e6] {
                let frame = wave.frame(number);
                assert_eq!(frame.len(), wave.workload.size);
                let said: serde_json::Value = serde_json::from_slice(&frame).unwrap();
                assert!((said["value"].as_f64().unwrap() - wave.value(number)).abs() < 1e-8);
            }
        }
    }
}
