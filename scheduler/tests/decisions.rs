//! What the core decides today is what it decided before, to the last item of the last batch. Whoever means to change it
//! writes down the new digests, which the failing test prints; whoever doesn't is told.

mod support;

use scheduler::trace::ActionDigest;
use support::trouble::live;

/// Of all actions, and of when the core wanted to be woken and what it shows at the end; one life a seed.
const DIGESTS: [(u64, u64); 12] = [(0, 0); 12];

/// A word for a text: equal ones on every machine.
fn word(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_core_decides_as_it_did() {
    let lived = (0..DIGESTS.len() as u64).map(|seed| {
        let world = live(seed, 1_500);
        let mut digest = ActionDigest::default();
        digest.add(&world.actions);
        (digest.value(), word(&format!("{:?} {:?}", world.wakes, world.state.snapshot())))
    });
    let lived: Vec<_> = lived.collect();
    assert!(lived == DIGESTS, "the core decides otherwise than it did; if that is meant, its digests are now {lived:?}");
}
