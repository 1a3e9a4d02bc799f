//! The one source of chance: what a seed gives is the same on every machine and in every version.

/// xoshiro256++ (D. Blackman, S. Vigna, *Scrambled Linear Pseudorandom Number Generators*, 2021), seeded by
/// splitmix64 as its authors advise.
#[derive(Clone, Debug)]
pub struct Rng([u64; 4]);

impl Rng {
    /// The stream of a seed. `concern` keeps streams apart, so that drawing more of one leaves the others as they are.
    pub fn new(seed: u64, concern: u64) -> Self {
        let mut state = seed ^ concern.wrapping_mul(0xd1b5_4a32_d192_ed03);
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        };
        Self([next(), next(), next(), next()])
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// From 0 up to but without `n`; 0 where `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// From `low` up to and with `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// From 0 up to but without 1.
    #[inline]
    pub fn share(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True this often.
    #[inline]
    pub fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.share() < share
    }

    /// Waiting time of a Poisson process.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -(1.0 - self.share()).ln() * mean
    }

    /// Around 0 with deviation 1.
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.share(), self.share());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len() as u64) as usize).copied()
    }
}

/// Draws ranks by Zipf's law: the r-th of `n` comes 1/r^s times as often as the first.
#[derive(Clone, Debug)]
pub struct Zipf(Vec<f64>);

impl Zipf {
    /// Over `n` ranks with exponent `s`.
    pub fn new(n: u32, s: f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=n.max(1)).map(|rank| {
            sum += f64::from(rank).powf(-s);
            sum
        });
        Self(sums.collect())
    }

    /// A rank from 0.
    pub fn draw(&self, rng: &mut Rng) -> u32 {
        let most = self.0[self.0.len() - 1];
        let at = rng.share() * most;
        self.0.partition_point(|&sum| sum <= at).min(self.0.len() - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // First outputs of the reference implementation in C, from the state 1, 2, 3, 4.
        let mut rng = Rng([1, 2, 3, 4]);
        assert_eq!([rng.next_u64(), rng.next_u64(), rng.next_u64()], [41_943_041, 58_720_359, 3_588_806_011_781_223]);
    }

    #[test]
    fn draws_have_the_means_that_they_claim() {
        let mut rng = Rng::new(7, 0);
        let n = 40_000;
        let mean = |draw: &mut dyn FnMut(&mut Rng) -> f64, rng: &mut Rng| {
            (0..n).map(|_| draw(rng)).sum::<f64>() / f64::from(n)
        };
        assert!((mean(&mut |rng| rng.exponential(3.0), &mut rng) - 3.0).abs() < 0.1);
        assert!(mean(&mut |rng| rng.normal(), &mut rng).abs() < 0.03);
        assert!((mean(&mut |rng| rng.below(11) as f64, &mut rng) - 5.0).abs() < 0.1);
        let zipf = Zipf::new(100, 1.0);
        let firsts = (0..n).filter(|_| zipf.draw(&mut rng) == 0).count() as f64 / f64::from(n);
        assert!((firsts - 0.193).abs() < 0.01, "{firsts}");
    }
}
