// Catch2 2.13 is header-only: its main() is compiled once, here. Catch2 3 brings a library instead.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
