#include <ringhorn/telemetry/board.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::telemetry {

namespace {

std::string sentence() {
  return "no memory can be shared with the workers: " + std::system_category().message(errno);
}

}  // namespace

struct Board::Memory {
  /// Entries from here on were never given to anybody. Written by the supervisor.
  std::atomic<std::uint32_t> given_count;
  BoardEntry entries[entry_count];
};

Board::Board(Board&& other) noexcept
    : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, nullptr)) {}

Board& Board::operator=(Board&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  return *this;
}

Board::~Board() {
  if (memory_ != nullptr) {
    ::munmap(memory_, sizeof(Memory));
  }
}

base::Result<Board, std::string> Board::make() {
  base::UniqueFd fd(::memfd_create("ringhorn-board", MFD_CLOEXEC));
  if (!fd || ::ftruncate(fd.value(), sizeof(Memory)) != 0) {
    return base::Failure{sentence()};
  }
  return adopt(std::move(fd));
}

base::Result<Board, std::string> Board::adopt(base::UniqueFd fd) {
  void* memory = ::mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd.value(), 0);
  if (memory == MAP_FAILED) {
    return base::Failure{sentence()};
  }
  Board board;
  board.fd_ = std::move(fd);
  board.memory_ = static_cast<Memory*>(memory);
  return board;
}

BoardEntry& Board::entry(std::size_t index) noexcept {
  RINGHORN_ASSERT(memory_ != nullptr && index < entry_count);
  return memory_->entries[index];
}

void Board::give(std::size_t index) noexcept {
  BoardEntry& given = entry(index);
  given.heartbeat_ns = 0;
  given.finished_count = 0;
  given.phase = LoopPhase::unknown;
  given.accepting_with = 0;
  memory_->given_count =
      std::max(memory_->given_count.load(), static_cast<std::uint32_t>(index + 1));
}

void Board::take_back(std::size_t index) noexcept {
  entry(index).accepting_with = 0;
}

std::optional<std::uint32_t> Board::fewest_connections(const BoardEntry& mine) const noexcept {
  RINGHORN_ASSERT(memory_ != nullptr);
  std::optional<std::uint32_t> fewest;
  const std::uint32_t count = memory_->given_count.load(std::memory_order_relaxed);
  for (const BoardEntry& each : std::span(memory_->entries).first(count)) {
    const std::uint32_t with = each.accepting_with.load(std::memory_order_relaxed);
    if (with > 0 && &each != &mine && (!fewest || with - 1 < *fewest)) {
      fewest = with - 1;
    }
  }
  return fewest;
}

}  // namespace ringhorn::telemetry
