//! A number with its noun, as every sentence of the program says it. Pure.

/// `1 restart`, `2 restarts`: of nouns that take an `s`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `1 of 1 viewer`, `3 of 10 viewers`.
pub fn of_viewers(some: u32, all: u32) -> String {
    format!("{some} of {}", viewers(all))
}

/// `1 viewer`, `10 viewers`.
pub fn viewers(number: u32) -> String {
    count(number.into(), "viewer")
}

/// The verb of so many.
pub fn were(number: impl Into<u64>) -> &'static str {
    if number.into() == 1 { "was" } else { "were" }
}

/// `once`, `3 times`.
pub fn times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_else_is_not() {
        assert_eq!([0, 1, 2].map(|number| count(number, "stall")), ["0 stalls", "1 stall", "2 stalls"]);
        assert_eq!(
            [(0, 1), (1, 10)].map(|(some, all)| of_viewers(some, all)),
            ["0 of 1 viewer", "1 of 10 viewers"]
        );
        assert_eq!([1_u32, 2].map(were), ["was", "were"]);
        assert_eq!([1, 2].map(times), ["once", "2 times"]);
    }
}
