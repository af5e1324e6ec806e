use super::Failure;

#[expect(clippy::unnecessary_wraps, reason = "as every command")]
pub fn run() -> Result<(), Failure> {
    print!("{}", crate::graphql::sdl());
    Ok(())
}
