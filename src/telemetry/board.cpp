#include <ringhorn/telemetry/board.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::telemetry {

namespace {

constexpr std::size_t size = Board::entry_count * sizeof(BoardEntry);

std::string sentence() {
  return "no memory can be shared with the workers: " + std::system_category().message(errno);
}

}  // namespace

Board::Board(Board&& other) noexcept
    : fd_(std::move(other.fd_)), entries_(std::exchange(other.entries_, nullptr)) {}

Board& Board::operator=(Board&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(entries_, other.entries_);
  return *this;
}

Board::~Board() {
  if (entries_ != nullptr) {
    ::munmap(entries_, size);
  }
}

base::Result<Board, std::string> Board::make() {
  base::UniqueFd fd(::memfd_create("ringhorn-board", MFD_CLOEXEC));
  if (!fd || ::ftruncate(fd.value(), size) != 0) {
    return base::Failure{sentence()};
  }
  return adopt(std::move(fd));
}

base::Result<Board, std::string> Board::adopt(base::UniqueFd fd) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.value(), 0);
  if (memory == MAP_FAILED) {
    return base::Failure{sentence()};
  }
  Board board;
  board.fd_ = std::move(fd);
  board.entries_ = static_cast<BoardEntry*>(memory);
  return board;
}

BoardEntry& Board::entry(std::size_t index) noexcept {
  RINGHORN_ASSERT(entries_ != nullptr && index < entry_count);
  return entries_[index];
}

}  // namespace ringhorn::telemetry
