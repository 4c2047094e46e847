//! Reads on after a mistake.

/// Collects mistakes while values are read.
pub(super) struct Collector<'a> {
    pub(super) mistakes: &'a mut Vec<String>,
}

impl Collector<'_> {
    pub(super) fn note(&mut self, mistake: &str) {
        self.mistakes.push(mistake.to_owned());
    }

    pub(super) fn value<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    pub(super) fn flag<T>(&mut self, name: &str, result: Result<T, String>) -> Option<T> {
        self.value(result.map_err(|mistake| format!("-{name}: {mistake}")))
    }

    /// Of a flag that may be given several times: all mistakes, or all values.
    pub(super) fn each<T>(
        &mut self,
        name: &str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let values: Vec<_> = texts.iter().map(|text| self.flag(name, parse(text))).collect();
        values.into_iter().collect()
    }
}
