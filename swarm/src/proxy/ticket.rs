//! Who asks: a private header that each FFmpeg sends with every request, and that never leaves this machine. It keeps
//! other local processes from using the proxy, and says which viewer a request belongs to.

use super::fields::Fields;

/// Lower case, as headers are compared.
pub const HEADER: &str = "x-swarm-viewer";

/// One process of one viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The viewer's number, from 0.
    pub viewer: u32,
    /// Its process, from 0.
    pub session: u32,
}

/// The run's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// 128 random bits from the operating system: enough that no local process guesses it within a run.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let bits = (u128::from(getrandom::u64()?) << 64) | u128::from(getrandom::u64()?);
        Ok(Self(format!("{bits:032x}")))
    }

    /// The header's value for one process.
    pub fn stamp(&self, ticket: Ticket) -> String {
        format!("{}-{}-{}", self.0, ticket.viewer, ticket.session)
    }

    /// Takes the header out of a request; `None` when it is missing or not of this run.
    pub fn take(&self, fields: &mut Fields) -> Option<Ticket> {
        let value = fields.get(HEADER)?.to_owned();
        fields.remove(HEADER);
        let mut parts = value.split('-');
        let (token, viewer, session) = (parts.next()?, parts.next()?, parts.next()?);
        // The time that this takes tells a guesser nothing worth having: he would need billions of local requests.
        let right = token == self.0 && parts.next().is_none();
        right.then_some(())?;
        Some(Ticket { viewer: viewer.parse().ok()?, session: session.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: &str) -> Fields {
        [("X-Swarm-Viewer", value.to_owned())].into_iter().collect()
    }

    #[test]
    fn a_stamp_is_read_back_and_taken_out() {
        let token = Token::random().unwrap();
        let ticket = Ticket { viewer: 17, session: 3 };
        let mut fields = fields(&token.stamp(ticket));
        assert_eq!(token.take(&mut fields), Some(ticket));
        assert!(!fields.contains(HEADER));
    }

    #[test]
    fn anything_else_is_refused() {
        let token = Token::random().unwrap();
        let other = Token::random().unwrap();
        let stamp = token.stamp(Ticket { viewer: 1, session: 1 });
        assert_eq!(token.take(&mut Fields::default()), None);
        for wrong in [
            other.stamp(Ticket { viewer: 1, session: 1 }),
            format!("{stamp}-1"),
            stamp.replace("-1-1", "-1"),
            stamp.replace("-1-1", "-x-1"),
            String::new(),
        ] {
            assert_eq!(token.take(&mut fields(&wrong)), None, "{wrong}");
        }
    }
}
