//! Formulas in scenario files: `"= teacher_width + L"`, `"time / student_width"`.
//!
//! Grammar, from loosest to tightest: `+ -`, `* /`, unary `-`, `^` (to the right), then numbers, names,
//! parentheses and calls of sqrt, log (natural), exp, round, min, max. Names may hold dots: `init.std`.

/// A parsed formula.
///
/// ```
/// use asymptotica::scenario::Expression;
///
/// let formula = Expression::parse("= sqrt(K^2 + 9) / -2").unwrap();
/// let value = formula.evaluate(&|name| (name == "K").then_some(4.0)).unwrap();
/// assert_eq!(value, -2.5);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Postfix order: long formulas need no recursion.
    program: Vec<Operation>,
}

/// What is wrong with a formula and where, as a byte offset into its text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    pub position: usize,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Operation {
    Push(f64),
    Load { name: String, position: usize },
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Call(Function),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Sqrt,
    Log,
    Exp,
    Round,
    Min,
    Max,
}

const MAX_DEPTH: usize = 64;

impl Expression {
    /// Parses a formula; a leading `=` is allowed.
    ///
    /// # Errors
    /// The first place where the text leaves the grammar.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { text, position: 0, program: Vec::new() };
        parser.take('=');
        parser.sum(0)?;
        match parser.peek() {
            None => Ok(Self { program: parser.program }),
            Some(c) => Err(parser.error(format!("expected an operator, found '{c}'"))),
        }
    }

    /// The value for given numbers.
    ///
    /// # Errors
    /// A name for which `value_of` has no number.
    pub fn evaluate(&self, value_of: &dyn Fn(&str) -> Option<f64>) -> Result<f64, ExpressionError> {
        let mut stack: Vec<f64> = Vec::new();
        let binary = |stack: &mut Vec<f64>, f: fn(f64, f64) -> f64| {
            let (b, a) = (stack.pop(), stack.pop());
            stack.push(f(a.expect(BALANCED), b.expect(BALANCED)));
        };
        let unary = |stack: &mut Vec<f64>, f: fn(f64) -> f64| {
            let a = stack.pop().expect(BALANCED);
            stack.push(f(a));
        };
        for operation in &self.program {
            match operation {
                Operation::Push(x) => stack.push(*x),
                Operation::Load { name, position } => stack.push(value_of(name).ok_or_else(|| {
                    ExpressionError { position: *position, message: format!("unknown name {name}") }
                })?),
                Operation::Negate => unary(&mut stack, |a| -a),
                Operation::Add => binary(&mut stack, |a, b| a + b),
                Operation::Subtract => binary(&mut stack, |a, b| a - b),
                Operation::Multiply => binary(&mut stack, |a, b| a * b),
                Operation::Divide => binary(&mut stack, |a, b| a / b),
                Operation::Power => binary(&mut stack, f64::powf),
                Operation::Call(Function::Sqrt) => unary(&mut stack, f64::sqrt),
                Operation::Call(Function::Log) => unary(&mut stack, f64::ln),
                Operation::Call(Function::Exp) => unary(&mut stack, f64::exp),
                Operation::Call(Function::Round) => unary(&mut stack, f64::round),
                Operation::Call(Function::Min) => binary(&mut stack, f64::min),
                Operation::Call(Function::Max) => binary(&mut stack, f64::max),
            }
        }
        Ok(stack.pop().expect(BALANCED))
    }

    /// Every name with the byte offset of its first use.
    pub fn variables(&self) -> Vec<(&str, usize)> {
        let mut found: Vec<(&str, usize)> = Vec::new();
        for operation in &self.program {
            if let Operation::Load { name, position } = operation
                && !found.iter().any(|(known, _)| known == name)
            {
                found.push((name, *position));
            }
        }
        found
    }
}

const BALANCED: &str = "a parsed formula has an operand for every operation";

struct Parser<'a> {
    text: &'a str,
    position: usize,
    program: Vec<Operation>,
}

impl Parser<'_> {
    fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError { position: self.position, message: message.into() }
    }

    /// Skips blanks and shows the next character.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.position..];
        self.position += rest.len() - rest.trim_start().len();
        self.text[self.position..].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.position += wanted.len_utf8();
        }
        found
    }

    fn sum(&mut self, depth: usize) -> Result<(), ExpressionError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.product(depth)?;
        loop {
            let operation = match self.peek() {
                Some('+') => Operation::Add,
                Some('-') => Operation::Subtract,
                _ => return Ok(()),
            };
            self.position += 1;
            self.product(depth)?;
            self.program.push(operation);
        }
    }

    fn product(&mut self, depth: usize) -> Result<(), ExpressionError> {
        self.signed(depth)?;
        loop {
            let operation = match self.peek() {
                Some('*') => Operation::Multiply,
                Some('/') => Operation::Divide,
                _ => return Ok(()),
            };
            self.position += 1;
            self.signed(depth)?;
            self.program.push(operation);
        }
    }

    fn signed(&mut self, depth: usize) -> Result<(), ExpressionError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        if self.take('-') {
            self.signed(depth + 1)?;
            self.program.push(Operation::Negate);
            return Ok(());
        }
        self.atom(depth)?;
        if self.take('^') {
            self.signed(depth + 1)?;
            self.program.push(Operation::Power);
        }
        Ok(())
    }

    fn atom(&mut self, depth: usize) -> Result<(), ExpressionError> {
        match self.peek() {
            None => Err(self.error("ends where a number or a name is expected")),
            Some('(') => {
                self.position += 1;
                self.sum(depth + 1)?;
                if self.take(')') { Ok(()) } else { Err(self.error("expected ')'")) }
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.name(depth),
            Some(c) => Err(self.error(format!("expected a number or a name, found '{c}'"))),
        }
    }

    fn number(&mut self) -> Result<(), ExpressionError> {
        let bytes = &self.text.as_bytes()[self.position..];
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut length = digits(0);
        if bytes.get(length) == Some(&b'.') {
            length += 1 + digits(length + 1);
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits((length + 1 + sign).min(bytes.len()));
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
        let text = &self.text[self.position..self.position + length];
        let value = text.parse().map_err(|_| self.error(format!("{text:?} is no number")))?;
        self.position += length;
        self.program.push(Operation::Push(value));
        Ok(())
    }

    fn name(&mut self, depth: usize) -> Result<(), ExpressionError> {
        let start = self.position;
        let rest = &self.text[start..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let name = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        self.position += name.len();
        if !self.take('(') {
            self.program.push(Operation::Load { name: name.to_string(), position: start });
            return Ok(());
        }
        let function = match name {
            "sqrt" => Function::Sqrt,
            "log" => Function::Log,
            "exp" => Function::Exp,
            "round" => Function::Round,
            "min" => Function::Min,
            "max" => Function::Max,
            _ => {
                let message =
                    format!("unknown function {name}; there are sqrt, log, exp, round, min and max");
                return Err(ExpressionError { position: start, message });
            }
        };
        let folds = matches!(function, Function::Min | Function::Max);
        self.sum(depth + 1)?;
        if !folds {
            self.program.push(Operation::Call(function));
        }
        while folds && self.take(',') {
            self.sum(depth + 1)?;
            self.program.push(Operation::Call(function));
        }
        if self.take(')') { Ok(()) } else { Err(self.error(format!("expected ')' after {name}(..."))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        let known = [("K", 3.0), ("init.std", 0.25)];
        Expression::parse(text)
            .unwrap()
            .evaluate(&|name| known.iter().find(|(key, _)| *key == name).map(|(_, x)| *x))
            .unwrap()
    }

    #[test]
    fn precedence_and_association() {
        for (text, expected) in [
            ("2 + 3 * 4", 14.0),
            ("10 - 4 - 3", 3.0),
            ("24 / 4 / 3", 2.0),
            ("2^3^2", 512.0),
            ("-3^2", -9.0),
            ("2^-2", 0.25),
            ("5 - -2", 7.0),
            ("= (2 + 3) * K", 15.0),
            ("init.std * 1.2e1", 3.0),
            (".5e+1 + 3.", 8.0),
            ("min(7, K, 5) + max(2, 4)", 7.0),
            ("round(exp(log(sqrt(49))))", 7.0),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        for (text, position, message) in [
            ("1 +", 3, "ends where a number or a name is expected"),
            ("2 K", 2, "expected an operator, found 'K'"),
            ("(1 + 2", 6, "expected ')'"),
            ("1 + sin(2)", 4, "unknown function sin; there are sqrt, log, exp, round, min and max"),
            ("3 * é", 4, "expected a number or a name, found 'é'"),
            ("sqrt(1, 2)", 6, "expected ')' after sqrt(..."),
            (".", 0, "\".\" is no number"),
        ] {
            let error = Expression::parse(text).unwrap_err();
            assert_eq!((error.position, error.message.as_str()), (position, message), "{text}");
        }
        let error = Expression::parse("K + foo").unwrap().evaluate(&|_| None).unwrap_err();
        assert_eq!(error, ExpressionError { position: 0, message: "unknown name K".into() });
    }

    #[test]
    fn depth_is_bounded_and_length_is_not() {
        assert_eq!(Expression::parse(&"(".repeat(100_000)).unwrap_err().message, "nested too deeply");
        assert_eq!(Expression::parse(&"-".repeat(100_000)).unwrap_err().message, "nested too deeply");
        assert_eq!(Expression::parse(&"2^".repeat(100_000)).unwrap_err().message, "nested too deeply");
        assert_eq!(value(&format!("1{}", "+1".repeat(100_000))), 100_001.0);
    }

    #[test]
    fn variables_are_listed_once() {
        assert_eq!(Expression::parse("a + b * a").unwrap().variables(), [("a", 0), ("b", 4)]);
    }
}
