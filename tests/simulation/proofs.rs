//! The machinery itself: faults are planted, and it must find them, make them short, and say how to see them again.

use super::{
    actions::Action,
    coverage::{ACTION, Coverage, FRAMES, PUBLISH},
    room::Room,
    run::{Failure, run_with},
    script::Script,
    shrink::shrink,
};

#[test]
fn a_script_reads_as_it_was_written() {
    let script = Script::drawn(7, 500);
    assert_eq!(script.to_string().parse(), Ok(script));
    let wrong = [
        "",
        "room 1 new",
        "room 1 of 99 new",
        "room 1 of 2 new\nPublish 0",
        "room 1 of 2 new\nSing 0 1",
    ];
    for wrong in wrong {
        assert!(wrong.parse::<Script>().is_err(), "{wrong}");
    }
}

/// The fault: a room in which somebody has read a frame does not survive that its server starts again.
#[test]
fn a_script_of_many_steps_shrinks_to_the_few_that_its_failure_needs() {
    let long = Script::drawn(3, 1_000);
    let failure = planted(&long).expect("the fault shows");
    let mut played = 0;
    let short = shrink(&long, &failure, |script| {
        played += 1;
        planted(script)
    });
    println!("{played} scripts played\n{short}");
    let count = |action| short.steps.iter().filter(|step| step.action == action).count();
    assert_eq!((count(Action::RestartServer), count(Action::Publish)), (1, 1), "{short}");
    assert!(count(Action::Subscribe) == 1 && short.steps.len() <= 6, "{short}");
    let again = planted(&short.to_string().parse().unwrap()).expect("it fails as it is printed");
    assert!(again.is_like(&failure));
}

#[test]
fn a_failure_of_another_kind_is_not_taken_for_the_same_one() {
    let script = Script::drawn(3, 1_000);
    let failure = planted(&script).expect("the fault shows");
    let other = run_with(&script, |_| panic!("something else"));
    let short = shrink(&script, &failure, |_| other.clone().err());
    assert_eq!(short.steps.len(), failure.steps, "nothing could be left out");
}

#[test]
fn what_was_not_met_and_what_is_on_no_list_is_told() {
    let mut met = Coverage::default();
    met.add_all(PUBLISH, [("Ok", 1)]);
    assert!(!met.missing().contains(&"publish ends: Ok".to_owned()));
    assert!(met.missing().contains(&"publish ends: TimedOut".to_owned()));
    assert!(met.strange().is_empty());
    met.add_all(PUBLISH, [("Tired", 1)]);
    assert_eq!(met.strange(), ["publish ends: Tired"]);
}

fn planted(script: &Script) -> Option<Failure> {
    let holds = |room: &Room| {
        let times = |topic, what| room.ledger.times(topic, what);
        let fault = times(FRAMES, "in all") > 0 && times(ACTION, "RestartServer") > 0;
        assert!(!fault, "planted, after {} frames", times(FRAMES, "in all"));
    };
    run_with(script, holds).err()
}
