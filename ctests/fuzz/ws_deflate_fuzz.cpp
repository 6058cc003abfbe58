// Inflater on arbitrary bytes: no crash, the limit held with memory of that size, and the same
// output and end however the input is cut. Then the input itself is compressed by DeflatePool and
// must come back.
#include <string>

#include <ringhorn/ws/deflate.hpp>

#include "fuzz/entry.hpp"
#include "fuzz/split.hpp"

namespace {

using namespace ringhorn::ws;
using ringhorn::base::ByteBuffer;
using ringhorn::fuzz::Fed;
using ringhorn::fuzz::require;

using Result = Inflater::Result;

struct Inflated {
  std::string output;
  Result result = Result::done;

  bool operator==(const Inflated&) const = default;
};

Inflated inflate(DeflatePool& pool, std::string_view input, std::uint32_t cuts,
                 std::size_t output_bytes_max) {
  Inflated inflated;
  ByteBuffer output;
  std::unique_ptr<Inflater> inflater = pool.take_inflater();
  ringhorn::fuzz::feed(input, cuts, [&](std::span<char> unread) -> Fed {
    if (inflated.result == Result::done) {
      inflated.result = inflater->feed({unread.data(), unread.size()}, output, output_bytes_max);
    }
    require(output.size() <= output_bytes_max, "the output has a limit");
    require(output.capacity() <= 3 * (output_bytes_max + 1024), "memory has a limit");
    return {unread.size(), false};
  });
  if (inflated.result == Result::done) {
    inflated.result = inflater->finish(output, output_bytes_max);
  }
  require(inflated.result != Result::too_big || output.size() == output_bytes_max,
          "what is too big fills the limit");
  pool.give_back(std::move(inflater));
  inflated.output = output.view();
  return inflated;
}

}  // namespace

void ringhorn::fuzz::run(const Input& input) {
  DeflatePool pool;
  const std::size_t limit = input.small_limits ? 32 : 100'000;
  const Inflated whole = inflate(pool, input.bytes, 0, limit);
  require(whole == inflate(pool, input.bytes, input.cuts, limit),
          "the output does not depend on the cuts");

  const auto bits = static_cast<std::uint8_t>(9 + input.cuts % 7);
  for (const std::string_view payload : {input.bytes, std::string_view(whole.output)}) {
    ByteBuffer deflated;
    if (pool.compress(payload, bits, deflated)) {
      require(deflated.size() < payload.size(), "compressing makes it shorter");
      const Inflated again = inflate(pool, deflated.view(), input.cuts, payload.size());
      require(again.result == Result::done && again.output == payload,
              "what is compressed can be read");
    } else {
      require(deflated.empty(), "nothing is left behind");
    }
  }
}
