//! Hexadecimal digits, sixteen at a time.

/// The digits of a number, lower case, the highest first.
pub(crate) fn hex_digits(number: u64) -> [u8; 16] {
    let half = |half: u64| {
        // Each step doubles the room of what was one number: 16, 8, then 4 bits to a byte each.
        let mut digits = (half << 16 | half) & 0x0000_ffff_0000_ffff;
        digits = (digits << 8 | digits) & 0x00ff_00ff_00ff_00ff;
        digits = (digits << 4 | digits) & 0x0f0f_0f0f_0f0f_0f0f;
        // Adding six carries into the next four bits for the digits from ten on; these lie 39 above '0' to '9'.
        let letters = ((digits + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
        digits + 0x3030_3030_3030_3030 + letters * 39
    };
    let text = u128::from(half(number >> 32)) << 64 | u128::from(half(number & 0xffff_ffff));
    text.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_standard_library(number: u64) {
            let digits = hex_digits(number);
            prop_assert_eq!(str::from_utf8(&digits).unwrap(), format!("{number:016x}"));
        }
    }
}
