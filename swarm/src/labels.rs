//! Closed sets of values that are labels in metrics and reports. The compiler asks for the label of a new value, and with it
//! the value is in the list of all.

/// Gives an enum its `ALL`, in the order in which it is declared, and the `label` of each value.
macro_rules! labels {
    ($name:ident { $($variant:ident => $label:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in order.
            pub const ALL: [Self; [$($label),+].len()] = [$(Self::$variant),+];

            /// As metrics and reports name it.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label),+
                }
            }
        }

        // So that a value may be the index of what is kept for each.
        const _: () = {
            let mut n = 0;
            while n < $name::ALL.len() {
                assert!($name::ALL[n] as usize == n, "labels stand in the order of the values");
                n += 1;
            }
        };
    };
}

pub(crate) use labels;
