//! The service from outside: a real server on a real socket, and the program itself, over both
//! databases.

mod support;

mod cli;
mod demo;
mod import;
mod interrupted;
mod lists;
mod migrate;
mod serve;
mod statements;
