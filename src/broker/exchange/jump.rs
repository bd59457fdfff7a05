//! The consistent hash by jumps of Lamping and Veach, with the generator that RabbitMQ feeds it
//! from: Vigna's xorshift1024*, seeded through his xorshift64* as Erlang's `exs1024` is.

/// The bucket of a key among `buckets`, 0 with none.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "as Erlang computes it"
)]
pub(super) fn jump(key: u64, buckets: u64) -> u64 {
    if buckets < 2 {
        return 0;
    }
    let mut generator = Xorshift1024::of(key);
    let (mut bucket, mut next) = (0, 0);
    while next < buckets {
        bucket = next;
        next = ((bucket + 1) as f64 / generator.fraction()) as u64;
    }
    bucket
}

const WORDS: usize = 16;

struct Xorshift1024 {
    state: [u64; WORDS],
    at: usize,
}

impl Xorshift1024 {
    /// Seeded with the triple of three times `key`.
    fn of(key: u64) -> Self {
        const BITS: u64 = (1 << 21) - 1;
        let part = |prime: u64| (((key & BITS) + 1) * prime) & BITS;
        let parts = (part(2_097_131) << 43) | (part(2_097_133) << 22) | (part(2_097_143) << 1);
        let mut state = [0; WORDS];
        let mut seed = parts | 1;
        for word in state.iter_mut().rev() {
            seed ^= seed >> 12;
            seed ^= seed << 25;
            seed ^= seed >> 27;
            *word = seed.wrapping_mul(2_685_821_657_736_338_717);
        }
        Self { state, at: 0 }
    }

    fn next(&mut self) -> u64 {
        let one = self.state[self.at];
        self.at = (self.at + 1) % WORDS;
        let mut other = self.state[self.at];
        other ^= other << 31;
        other ^= other >> 11;
        let new = one ^ (one >> 30) ^ other;
        self.state[self.at] = new;
        new.wrapping_mul(1_181_783_497_276_652_981)
    }

    /// From 0 to 1, either included.
    #[allow(clippy::cast_precision_loss, reason = "rounded, as Erlang does it")]
    fn fraction(&mut self) -> f64 {
        self.next() as f64 / 2_f64.powi(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(buckets: u64) -> String {
        let letter = |bucket: u64| char::from(b'a' + u8::try_from(bucket).unwrap());
        (0..60).map(|key| letter(jump(key, buckets))).collect()
    }

    /// Where RabbitMQ 4.3.6 sends the numbers from 0 to 59 in a header.
    #[test]
    fn numbers_go_where_rabbitmq_sends_them() {
        assert_eq!(
            places(2),
            "aaabaaaababbbbaaaababbaabbbbbbaabababaaaabbbababbbaababaaabb"
        );
        assert_eq!(
            places(3),
            "acabacacbcbccccaaccabccacbbccbcababacaaaccbbababbcacbabcaacc"
        );
        assert_eq!(
            places(4),
            "ddabdcadbcdccdcaaccabccdcbbccbcadabacadaccddababddacbadcaacc"
        );
    }

    #[test]
    fn one_bucket_and_none_are_found_without_a_number() {
        assert_eq!((jump(7, 1), jump(7, 0)), (0, 0));
    }
}
