//! What the core decides today is what it decided before, to the last item of the last batch. Whoever means to change it
//! writes down the new digests, which the failing test prints; whoever doesn't is told.

mod support;

use scheduler::trace::ActionDigest;
use support::trouble::live;

/// Of all actions, and of when the core wanted to be woken and what it shows at the end; one life a seed.
const DIGESTS: [(u64, u64); 12] = [
    (10067873130334630107, 15459037409737767595),
    (15610550834635602596, 4200749072348521614),
    (8141958660386161385, 4514898352490160922),
    (12331913549287147988, 3557987802099871880),
    (1758015402198020098, 6488273889336768280),
    (13883998345409390745, 798787685475688968),
    (5846769460721023471, 5564629809570372369),
    (15747036050020446854, 13172482270123336560),
    (32621647560052809, 15555877435685823413),
    (3290558831232012317, 17957018512676637210),
    (9185184291170707173, 1094225839076093717),
    (10615407396130655915, 12429004494706197217),
];

/// A word for a text: equal ones on every machine.
fn word(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_core_decides_as_it_did() {
    let lived = (0..DIGESTS.len() as u64).map(|seed| {
        let world = live(seed, 800);

        let mut digest = ActionDigest::default();
        digest.add(&world.actions);
        (digest.value(), word(&format!("{:?} {:?}", world.wakes, world.state.snapshot())))
    });
    let lived: Vec<_> = lived.collect();
    assert!(
        lived == DIGESTS,
        "the core decides otherwise than it did; if that is meant, its digests are now {lived:?}"
    );
}
