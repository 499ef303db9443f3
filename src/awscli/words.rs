//! Splitting a command line into words as a POSIX shell would, keeping where each word stood.
//!
//! Single quotes keep everything, double quotes keep all but `\"`, `\\`, `` \` ``, `\$`, a backslash keeps the next character, `#` at
//! the start of a word begins a comment, a backslash at the end of a line joins the next (POSIX, Shell Command Language
//! section 2.2). What a shell would *act* upon (variables, pipes, redirections, lists, substitutions) is refused: a step is one command.
//! A property test compares the words with the `shlex` crate's.

use super::usage::UsageError;
use std::ops::Range;

/// One word and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its bytes in the line, quotes included.
    pub range: Range<usize>,
    /// The word, quotes removed.
    pub text: String,
}

/// The words of `line`.
///
/// # Errors
/// A quote is not closed, a backslash ends the line, or the line asks for a shell.
pub fn words(line: &str) -> Result<Vec<Word>, UsageError> {
    let mut scanner = Scanner { line, at: 0 };
    let mut words = Vec::new();
    while let Some(word) = scanner.word()? {
        words.push(word);
    }
    Ok(words)
}

struct Scanner<'a> {
    line: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<char> {
        let letter = self.line[self.at..].chars().next()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn peek(&self) -> Option<char> {
        self.line[self.at..].chars().next()
    }

    fn word(&mut self) -> Result<Option<Word>, UsageError> {
        self.skip_to_word();
        let start = self.at;
        let mut text = String::new();
        while let Some(letter) = self.peek().filter(|letter| !is_blank(*letter)) {
            let from = self.at;
            self.at += letter.len_utf8();
            match letter {
                '\'' => self.single_quoted(from, &mut text)?,
                '"' => self.double_quoted(from, &mut text)?,
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(letter) => text.push(letter),
                    None => return Err(UsageError::syntax("the line ends in a backslash").at(&(from..self.at))),
                },
                '$' | '`' | '|' | '&' | ';' | '<' | '>' | '(' | ')' => return Err(shell(letter, from)),
                _ => text.push(letter),
            }
        }
        // A word may be empty ('') but takes room in the line. Line joinings alone are no word.
        let is_word = !self.line[start..self.at].replace("\\\n", "").is_empty();
        Ok(is_word.then_some(Word { range: start..self.at, text }))
    }

    fn skip_to_word(&mut self) {
        loop {
            if self.line[self.at..].starts_with("\\\n") {
                self.at += 2;
            } else {
                match self.peek() {
                    Some('#') => {
                        self.at = self.line[self.at..].find('\n').map_or(self.line.len(), |length| self.at + length);
                    }
                    Some(letter) if is_blank(letter) => self.at += letter.len_utf8(),
                    _ => return,
                }
            }
        }
    }

    fn single_quoted(&mut self, from: usize, text: &mut String) -> Result<(), UsageError> {
        let rest = &self.line[self.at..];
        let length = rest.find('\'').ok_or_else(|| unclosed('\'', from, self.line.len()))?;
        text.push_str(&rest[..length]);
        self.at += length + 1;
        Ok(())
    }

    fn double_quoted(&mut self, from: usize, text: &mut String) -> Result<(), UsageError> {
        loop {
            let at = self.at;
            match self.next().ok_or_else(|| unclosed('"', from, self.line.len()))? {
                '"' => return Ok(()),
                letter @ ('$' | '`') => return Err(shell(letter, at)),
                '\\' => match self.next().ok_or_else(|| unclosed('"', from, self.line.len()))? {
                    '\n' => {}
                    letter @ ('$' | '`' | '"' | '\\') => text.push(letter),
                    letter => text.extend(['\\', letter]),
                },
                letter => text.push(letter),
            }
        }
    }
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n')
}

fn unclosed(quote: char, from: usize, to: usize) -> UsageError {
    UsageError::syntax(format!("the quote {quote} is not closed")).at(&(from..to))
}

fn shell(letter: char, at: usize) -> UsageError {
    let message = format!("a step is one command, not a shell: quote {letter} with '...' if it belongs to a value");
    UsageError::unsupported(message).at(&(at..at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(line: &str) -> Vec<String> {
        words(line).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn quotes_and_ranges() {
        let line = r#"aws  --a 'x "y' "q\"\z" b\ c '' # no"#;
        assert_eq!(texts(line), ["aws", "--a", "x \"y", "q\"\\z", "b c", ""]);
        let found = words(line).unwrap();
        assert_eq!(&line[found[2].range.clone()], "'x \"y'");
        assert_eq!(&line[found[4].range.clone()], r"b\ c");
        assert_eq!(texts("aws ec2 \\\n  describe-vpcs \\\n"), ["aws", "ec2", "describe-vpcs"]);
    }

    #[test]
    fn refuses_shells_and_open_quotes() {
        for line in ["aws | jq", "aws $X", "aws \"$X\"", "A=`b`", "aws > f", "a && b", "a; b", "'a", "\"a", "a\\"] {
            let error = words(line).unwrap_err();
            assert!(line.get(error.span.clone().unwrap()).is_some(), "{line}: {error}");
        }
        assert_eq!(texts("--q '$X | (a)'"), ["--q", "$X | (a)"]);
    }

    proptest! {
        #[test]
        fn agrees_with_shlex(line in "[ab='\" \\\\\n#é-]{0,24}") {
            // A joined line on its own is an empty word to shlex and none to a shell.
            prop_assume!(!line.contains("\\\n"));
            let theirs = shlex::split(&line);
            let ours = words(&line).ok().map(|found| found.into_iter().map(|word| word.text).collect::<Vec<_>>());
            prop_assert_eq!(ours, theirs);
        }
    }
}
