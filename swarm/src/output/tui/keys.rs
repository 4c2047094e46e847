//! Keys, from the bytes that a terminal sends. Pure. Only those that the dashboard knows: the terminal library's own
//! reader can lose a key that comes together with a resize, and spins on a terminal that is gone.

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character, as it is typed.
    Char(char),
    /// A letter, with Ctrl.
    Control(char),
    /// Esc.
    Escape,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
}

/// Sequences of keys, after the Esc that each begins with: those of a terminal in normal and in application mode.
const SEQUENCES: [(&[u8], Key); 9] = [
    (b"[A", Key::Up),
    (b"OA", Key::Up),
    (b"[B", Key::Down),
    (b"OB", Key::Down),
    (b"[5~", Key::PageUp),
    (b"[6~", Key::PageDown),
    (b"[H", Key::Home),
    (b"OH", Key::Home),
    (b"[1~", Key::Home),
];

const ESCAPE: u8 = 0x1b;

/// The keys in these bytes. What is no key of ours is skipped, with all of its sequence.
pub(super) fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while let Some((&first, rest)) = bytes.split_first() {
        bytes = rest;
        match first {
            ESCAPE => {
                let length = sequence(rest);
                let known = SEQUENCES.iter().find(|(sequence, _)| *sequence == &rest[..length]);
                match known {
                    Some((_, key)) => keys.push(*key),
                    None if length == 0 => keys.push(Key::Escape),
                    None => {}
                }
                bytes = &rest[length..];
            }
            0x01..=0x1a => keys.push(Key::Control(char::from(first - 1 + b'a'))),
            b' '..=b'~' => keys.push(Key::Char(char::from(first))),
            _ => {}
        }
    }
    keys
}

/// Length of the sequence that follows an Esc; 0 when it stands for itself. A sequence ends with the first byte from
/// `@` on (ECMA-48, 5.4).
fn sequence(after: &[u8]) -> usize {
    match after {
        [b'O', _, ..] => 2,
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|byte| (b'@'..=b'~').contains(byte));
            end.map_or(after.len(), |end| end + 2)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_what_is_unknown_is_skipped_whole() {
        use Key::{Char, Control, Down, Escape, Home, PageDown, PageUp, Up};
        for (bytes, expected) in [
            (&b"q+?"[..], vec![Char('q'), Char('+'), Char('?')]),
            (b"\x03\x0c", vec![Control('c'), Control('l')]),
            (b"\x1b", vec![Escape]),
            (b"\x1b\x1b[B", vec![Escape, Down]),
            (b"\x1b[A\x1bOA\x1b[5~\x1b[6~\x1b[1~d", vec![Up, Up, PageUp, PageDown, Home, Char('d')]),
            // F5, a mouse report, Alt-x, an umlaut, a sequence that has no end.
            (b"\x1b[15~p\x1b[<0;3;4Mp", vec![Char('p'), Char('p')]),
            (b"\x1bx\xc3\xa4p", vec![Escape, Char('x'), Char('p')]),
            (b"p\x1b[1;", vec![Char('p')]),
        ] {
            assert_eq!(keys(bytes), expected, "{bytes:?}");
        }
    }
}
