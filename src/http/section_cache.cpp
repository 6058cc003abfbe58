#include <ringhorn/http/section_cache.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::http {

const SectionCache::Section* SectionCache::recall(Sender& sender, std::string_view bytes) noexcept {
  const std::uint16_t slot = sender.slot_ == Sender::nowhere ? latest_ : sender.slot_;
  const Section* const section = sections_[slot].get();
  if (section == nullptr || bytes.size() < section->sent.size() ||
      std::memcmp(bytes.data(), section->sent.data(), section->sent.size()) != 0) {
    ++sender.misses_;
    return nullptr;
  }
  sender.slot_ = latest_ = slot;
  sender.misses_ = 0;
  return section;
}

bool SectionCache::wants(const Sender& sender, std::string_view bytes) {
  if (sender.misses_ < 2 || !std::has_single_bit(sender.misses_)) {
    return false;
  }
  wanted_.assign(bytes.substr(0, section_bytes_max));
  return true;
}

void SectionCache::keep(Sender& sender, const char* parsed, std::size_t size,
                        const HeaderSection& meaning) {
  if (size > wanted_.size()) {
    return;
  }
  const std::string_view sent = std::string_view(wanted_).substr(0, size);
  const std::size_t slot = std::hash<std::string_view>()(sent) % section_count;
  std::unique_ptr<Section>& place = sections_[slot];
  if (place == nullptr || place->sent != sent) {
    auto section = std::make_unique<Section>();
    section->sent = sent;
    section->text.assign(parsed, size);
    const auto moved = [&](std::string_view view) -> std::string_view {
      if (view.data() == nullptr) {
        return {};
      }
      RINGHORN_ASSERT(view.data() >= parsed && view.data() + view.size() <= parsed + size);
      return {section->text.data() + (view.data() - parsed), view.size()};
    };
    section->fields.reserve(meaning.fields.size());
    for (const HeaderField& field : meaning.fields) {
      section->fields.push_back({moved(field.name), moved(field.value)});
    }
    section->meaning = meaning;
    section->meaning.authority = moved(meaning.authority);
    section->meaning.upgrade = moved(meaning.upgrade);
    section->meaning.fields = section->fields;
    section->meaning.attachment = &section->attachment;
    section->secret = std::any_of(section->fields.begin(), section->fields.end(),
                                  [](const HeaderField& field) { return is_secret(field.name); });
    place = std::move(section);
  }
  wanted_.clear();
  if (sender.slot_ != slot) {
    leave(sender);
    sender.slot_ = static_cast<std::uint16_t>(slot);
  }
}

void SectionCache::leave(Sender& sender) noexcept {
  if (sender.slot_ == Sender::nowhere) {
    return;
  }
  std::unique_ptr<Section>& place = sections_[sender.slot_];
  if (place != nullptr && place->secret) {
    place.reset();
  }
  sender.slot_ = Sender::nowhere;
}

}  // namespace ringhorn::http
