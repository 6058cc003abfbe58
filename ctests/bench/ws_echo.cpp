// What reading a masked message and writing it back costs, without I/O: `ws_echo COUNT [BYTES]`. To
// be counted under callgrind with two COUNTs: the difference is free of the start.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <ringhorn/ws/message_reader.hpp>
#include <ringhorn/ws/message_writer.hpp>

using ringhorn::ws::MessageReader;

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 1000;
  const long size = argc > 2 ? std::atol(argv[2]) : 16;
  std::string payload(static_cast<std::size_t>(size), 'x');
  std::string frame("\x81");
  if (size < 126) {
    frame += static_cast<char>(0x80 | size);
  } else {
    frame += {'\xfe', static_cast<char>(size >> 8), static_cast<char>(size)};
  }
  frame += "mask";
  ringhorn::ws::Mask mask;
  frame.copy(reinterpret_cast<char*>(&mask), sizeof mask, frame.size() - sizeof mask);
  ringhorn::ws::apply_mask(payload.data(), payload.size(), mask);
  frame += payload;

  MessageReader reader(16 << 20);
  const ringhorn::ws::MessageWriter writer;
  ringhorn::base::ByteBuffer out;
  std::size_t echoed = 0;
  for (long i = 0; i < count; ++i) {
    std::string bytes = frame;  // it is changed in place
    std::span<char> unread(bytes);
    for (;;) {
      const MessageReader::Step step = reader.next(unread);
      unread = unread.subspan(step.consumed);
      if (step.event != MessageReader::Event::message) {
        break;
      }
      out.clear();
      ringhorn::ws::MessageWriter(writer).write(out, reader.message().kind,
                                                reader.message().payload);
      echoed += out.size();
    }
  }
  std::printf("%zu bytes\n", echoed);
  return echoed > 0 ? 0 : 1;
}
