//! A whole number in a query: any number of digits and nothing else. Where it only bounds something, one that no integer
//! holds is as good as the largest.

/// The number, or the largest that there is for a larger one; none for anything but digits.
#[must_use]
pub(crate) fn saturating(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_digits_is_a_number() {
        for (text, number) in [("0", 0), ("007", 7), ("99999999999999999999", usize::MAX)] {
            assert_eq!(saturating(text), Some(number), "{text}");
        }
        for text in ["", "-1", "+1", "1.5", " 1", "ten", "٣"] {
            assert_eq!(saturating(text), None, "{text}");
        }
    }
}
