//! The tables of the documents.

/// A text that stays in its cell of a table, with stars as they are outside of code.
pub fn cell(text: &str) -> String {
    let mut cell = String::new();
    let mut is_code = false;
    for character in text.chars() {
        is_code ^= character == '`';
        if character == '|' || (!is_code && matches!(character, '*' | '<')) {
            cell.push('\\');
        }
        cell.push(character);
    }
    cell
}
