//! Reads residents from CSV, naming every row that can't be taken and why.

use std::collections::BTreeMap;
use std::io::Read;

use csv::{ReaderBuilder, StringRecord, Trim};
use jumin_identity::text::{require_legible, tidied};
use thiserror::Error;

use super::{
    Address, Date, Household, Name, Register, Resident, ResidentNumber, ResidentNumberError, Stay,
};

/// Columns that a file must have; more are ignored.
const REQUIRED: [&str; 8] = [
    "household",
    "relation",
    "name_hangul",
    "name_roman",
    "resident_registration_number",
    "sido",
    "eupmyeondong",
    "road",
];
/// The longest field, in characters.
const MAX_FIELD: usize = 120;
const MAX_ROWS: usize = 1_000_000;
const MAX_ERRORS: usize = 100;

/// Why a file wasn't taken.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error("the CSV header lacks the column {0}")]
    MissingColumn(&'static str),
    #[error("the file isn't UTF-8 CSV with one header line")]
    Header(#[source] csv::Error),
    #[error("{} rows can't be taken, the first at line {}: {}", .0.len(), first_line(.0), first_message(.0))]
    Rows(Vec<RowError>),
}

impl ImportError {
    /// Names the error for a program.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingColumn(_) => "missing_column",
            Self::Header(_) => "malformed_csv",
            Self::Rows(_) => "rows_refused",
        }
    }
}

/// Why one row wasn't taken; never quotes what the row says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, {column}: {message}")]
pub struct RowError {
    /// Counts from 1, the header included.
    pub line: u64,
    pub column: String,
    pub code: &'static str,
    pub message: String,
}

fn first_line(rows: &[RowError]) -> u64 {
    rows.first().map_or(0, |row| row.line)
}

fn first_message(rows: &[RowError]) -> &str {
    rows.first().map_or("", |row| &row.message)
}

/// Reads a register from CSV; refuses the whole file if any row is wrong, so that nothing is half imported.
///
/// `today` bounds birth dates; ids are derived from the resident registration number's place in the file and `prefix`.
pub fn read_csv(input: impl Read, prefix: &str, today: Date) -> Result<Register, ImportError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(input);
    let headers = reader.headers().map_err(ImportError::Header)?.clone();
    let columns = Columns::of(&headers)?;
    let mut import = Import {
        prefix,
        today,
        columns,
        households: BTreeMap::new(),
        residents: Vec::new(),
        numbers: BTreeMap::new(),
        errors: Vec::new(),
    };
    let mut record = StringRecord::new();
    for _ in 0..MAX_ROWS {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                if let Err(error) = import.row(line, &record) {
                    import.errors.push(error);
                }
            }
            Err(error) => {
                import.errors.push(malformed(&error));
                // Only a row of the wrong length leaves the reader at a known place.
                if !matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. }) {
                    break;
                }
            }
        }
        if import.errors.len() >= MAX_ERRORS {
            break;
        }
    }
    import.finish()
}

fn malformed(error: &csv::Error) -> RowError {
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("the row has {len} fields, the header {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "the row isn't UTF-8".to_owned(),
        _ => "the row isn't CSV".to_owned(),
    };
    RowError {
        line: error.position().map_or(0, csv::Position::line),
        column: "row".to_owned(),
        code: "malformed_csv",
        message,
    }
}

struct Columns(BTreeMap<String, usize>);

impl Columns {
    fn of(headers: &StringRecord) -> Result<Self, ImportError> {
        let found: BTreeMap<String, usize> = headers
            .iter()
            .enumerate()
            .map(|(at, name)| (name.trim_start_matches('\u{feff}').to_owned(), at))
            .collect();
        for required in REQUIRED {
            if !found.contains_key(required) {
                return Err(ImportError::MissingColumn(required));
            }
        }
        Ok(Self(found))
    }
}

struct Import<'a> {
    prefix: &'a str,
    today: Date,
    columns: Columns,
    households: BTreeMap<String, Household>,
    residents: Vec<Resident>,
    numbers: BTreeMap<String, u64>,
    errors: Vec<RowError>,
}

impl Import<'_> {
    fn row(&mut self, line: u64, record: &StringRecord) -> Result<(), RowError> {
        let row = Row {
            line,
            record,
            columns: &self.columns,
        };
        let number = row.number(self.today)?;
        if let Some(earlier) = self.numbers.insert(number.as_str().to_owned(), line) {
            let message = format!("the same number is already at line {earlier}");
            return Err(row.error("resident_registration_number", "duplicate_number", message));
        }
        let moved_in = row.date("moved_in")?.unwrap_or(number.birth_date());
        let household = row.household(self.prefix, moved_in)?;
        let resident = Resident {
            id: format!("{}{:06}", self.prefix, self.residents.len() + 1),
            household: household.id.clone(),
            relation: row.required("relation")?,
            name: row.name()?,
            number,
            card_issued: row.date("card_issue_date")?,
            stays: vec![Stay {
                address: row.address()?,
                from: moved_in,
                reason: "전입".to_owned(),
            }],
            name_changes: Vec::new(),
        };
        self.households
            .entry(household.id.clone())
            .or_insert(household);
        self.residents.push(resident);
        Ok(())
    }

    fn finish(self) -> Result<Register, ImportError> {
        if !self.errors.is_empty() {
            return Err(ImportError::Rows(self.errors));
        }
        Ok(Register {
            households: self.households.into_values().collect(),
            residents: self.residents,
        })
    }
}

struct Row<'a> {
    line: u64,
    record: &'a StringRecord,
    columns: &'a Columns,
}

impl Row<'_> {
    fn error(&self, column: &str, code: &'static str, message: impl Into<String>) -> RowError {
        RowError {
            line: self.line,
            column: column.to_owned(),
            code,
            message: message.into(),
        }
    }

    fn optional(&self, column: &str) -> Result<Option<String>, RowError> {
        let field = self
            .columns
            .0
            .get(column)
            .and_then(|at| self.record.get(*at))
            .filter(|field| !field.is_empty());
        let Some(field) = field else { return Ok(None) };
        if field.chars().count() > MAX_FIELD {
            let message = format!("longer than {MAX_FIELD} characters");
            return Err(self.error(column, "field_too_long", message));
        }
        // Other programs write the same letters and spaces in other forms; what is read is one.
        let field = tidied(field);
        require_legible(&field)
            .map_err(|error| self.error(column, error.code(), error.to_string()))?;
        Ok(Some(field))
    }

    fn required(&self, column: &str) -> Result<String, RowError> {
        self.optional(column)?
            .ok_or_else(|| self.error(column, "missing_field", "must not be empty"))
    }

    fn date(&self, column: &str) -> Result<Option<Date>, RowError> {
        self.optional(column)?
            .map(|text| text.parse())
            .transpose()
            .map_err(|error: super::ImpossibleDate| {
                self.error(column, "impossible_date", error.to_string())
            })
    }

    fn number(&self, today: Date) -> Result<ResidentNumber, RowError> {
        let column = "resident_registration_number";
        let refuse =
            |error: ResidentNumberError| self.error(column, error.code(), error.to_string());
        let number: ResidentNumber = self.required(column)?.parse().map_err(refuse)?;
        if number.birth_date() > today {
            return Err(refuse(ResidentNumberError::FutureBirthDate));
        }
        match self.date("birth_date")? {
            Some(stated) if stated != number.birth_date() => Err(self.error(
                "birth_date",
                "birth_date_mismatch",
                "differs from the date in the resident registration number",
            )),
            _ => Ok(number),
        }
    }

    fn household(&self, prefix: &str, moved_in: Date) -> Result<Household, RowError> {
        Ok(Household {
            id: format!("{prefix}{}", self.required("household")?),
            composed: self.date("household_composed")?.unwrap_or(moved_in),
            reason: self
                .optional("household_reason")?
                .unwrap_or_else(|| "전입세대구성".to_owned()),
        })
    }

    fn name(&self) -> Result<Name, RowError> {
        Ok(Name {
            hangul: self.required("name_hangul")?,
            hanja: self.optional("name_hanja")?,
            roman: self.required("name_roman")?,
        })
    }

    fn address(&self) -> Result<Address, RowError> {
        Ok(Address {
            sido: self.required("sido")?,
            sigungu: self.optional("sigungu")?,
            eupmyeondong: self.required("eupmyeondong")?,
            road: self.required("road")?,
            detail: self.optional("detail")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "household,relation,name_hangul,name_hanja,name_roman,resident_registration_number,sido,sigungu,eupmyeondong,road,detail,birth_date";

    fn read(rows: &[&str]) -> Result<Register, ImportError> {
        let text = format!("{HEADER}\n{}\n", rows.join("\n"));
        read_csv(text.as_bytes(), "i1-", "2026-11-22".parse().unwrap())
    }

    fn row(number: &str) -> String {
        format!("h1,본인,김민준,,Kim Minjun,{number},서울특별시,종로구,사직동,사직로 1,101호,")
    }

    fn codes(result: Result<Register, ImportError>) -> Vec<(u64, &'static str)> {
        match result {
            Err(ImportError::Rows(rows)) => rows.iter().map(|row| (row.line, row.code)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn number_after_october_2020_without_check_digit_is_taken() {
        let register = read(&[&row("210105-3123456")]).unwrap();
        assert_eq!(register.residents.len(), 1);
        assert_eq!(register.residents[0].name.hanja, None);
    }

    #[test]
    fn every_bad_row_is_named_with_its_line_and_reason() {
        let long = "가".repeat(121);
        let result = read(&[
            &row("990230-1234567"),
            &row("900101-1234567"),
            &row("900101-1234567"),
            &row("991231-4234567"),
            "h1,본인,김민준",
            &format!(
                "h1,본인,{long},,Kim Minjun,900102-1234567,서울특별시,종로구,사직동,사직로 1,,"
            ),
            "h1,본인,,,Kim Minjun,900103-1234567,서울특별시,종로구,사직동,사직로 1,,",
            "h1,본인,김민준,,Kim Minjun,900104-1234567,서울특별시,종로구,사직동,사직로 1,,1990-01-05",
        ]);
        assert_eq!(
            codes(result),
            [
                (2, "impossible_birth_date"),
                (4, "duplicate_number"),
                (5, "future_birth_date"),
                (6, "malformed_csv"),
                (7, "field_too_long"),
                (8, "missing_field"),
                (9, "birth_date_mismatch"),
            ]
        );
    }

    #[test]
    fn names_that_can_not_be_seen_are_refused_with_their_line() {
        let named = |name: &str, number: &str| {
            format!(
                "j1,본인,{name},,Test Person,{number},대구광역시,수성구,범어동,달구벌대로 2450,,"
            )
        };
        let result = read(&[
            &named("홍\u{200b}안보", "780101-1034561"),
            &named("홍안보\u{feff}", "780102-1034561"),
            &named("김\u{202e}역순", "780103-1034561"),
            &named("\u{3164}", "780104-1034561"),
            &named("\u{2800}", "780105-1034561"),
            &named("\u{301}", "780106-1034561"),
        ]);
        let mut expected: Vec<_> = (2..7).map(|line| (line, "text_unseen")).collect();
        expected.push((7, "text_blank"));
        assert_eq!(codes(result), expected);
    }

    #[test]
    fn same_letters_and_spaces_in_other_forms_are_read_as_one() {
        let decomposed = "\u{1100}\u{1175}\u{11b7}\u{1106}\u{1175}\u{11ab}\u{110c}\u{116e}\u{11ab}";
        let register = read(&[&format!(
            "h1,본인,{decomposed},,Kim\u{a0}Minjun\u{3000},900101-1234567,서울특별시,종로구,사직동,사직로 1,101호,"
        )]);
        let name = register.unwrap().residents.remove(0).name;
        assert_eq!(
            (name.hangul.as_str(), name.roman.as_str()),
            ("김민준", "Kim Minjun")
        );
    }

    #[test]
    fn errors_do_not_quote_the_row() {
        let Err(error) = read(&[&row("990230-1234567")]) else {
            panic!("taken")
        };
        assert!(!error.to_string().contains("990230"));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        let mut bytes = format!("{HEADER}\n").into_bytes();
        bytes.extend_from_slice(b"h1,\xff\xfe,a,,b,900101-1234567,a,b,c,d,,\n");
        let result = read_csv(&bytes[..], "i1-", "2026-11-22".parse().unwrap());
        assert_eq!(codes(result), [(2, "malformed_csv")]);
    }

    #[test]
    fn missing_column_is_named() {
        let result = read_csv(&b"household,relation\n"[..], "i1-", Date::from_days(0));
        assert!(matches!(
            result,
            Err(ImportError::MissingColumn("name_hangul"))
        ));
    }
}
