//! What the core decides today is what it decided before, to the last item of the last batch. Whoever means to change it
//! writes down the new digests, which the failing test prints; whoever doesn't is told.

use scheduler::trace::ActionDigest;

use crate::support::trouble::live;

/// Of all actions, and of when the core wanted to be woken and what it shows at the end; one life a seed.
const DIGESTS: [(u64, u64); 12] = [
    (17421485046235428021, 7703558028920191425),
    (15726536590417754960, 631155498648587557),
    (4811716022580922595, 5042554343748637003),
    (7354833895507939688, 9543789685512651609),
    (3936392931151977644, 17495956291456356254),
    (6736660841278565680, 17274049513777124329),
    (17314194885261495730, 1089364845132674602),
    (9015810221103332284, 5109065149051162640),
    (1854573173511552161, 5860892998458916375),
    (12367037752803629793, 11296734647331650749),
    (14173579800996538637, 12709651981377618153),
    (16157356413682686463, 13689725165831326216),
];

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
    assert!(
        lived == DIGESTS,
        "the core decides otherwise than it did; if that is meant, its digests are now {lived:?}"
    );
}
