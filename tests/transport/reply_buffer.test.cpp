// Rule: answers to a peer wait first in, first out, in a fixed number of bytes, and leave as whole
// frames.
#include <vmsig/transport/reply_buffer.hpp>

#include <support/catch.hpp>

#include <vmsig/transport/replies.hpp>

#include <deque>

using namespace vmsig;

namespace {

constexpr std::size_t answer_bytes = wire::frame_bytes<wire::answer>();

void put_answer(reply_buffer& to, std::uint32_t number) {
    wire::writer w{to.append(answer_bytes)};
    wire::answer a;
    a.request = number;
    wire::put_frame(w, a);
}
/// The numbers of the answers in it, which must be whole.
std::vector<std::uint32_t> answers_in(std::span<const std::byte> bytes) {
    std::vector<std::uint32_t> found;
    while (!bytes.empty()) {
        wire::frame_view f;
        wire::answer a;
        std::span<const std::byte> tail;
        REQUIRE(wire::next_frame(bytes, f));
        REQUIRE(wire::parse(f, a, tail));
        found.push_back(a.request);
    }
    return found;
}
using answer_numbers = std::vector<std::uint32_t>;

} // namespace

TEST_CASE("reply_buffer: at first it is empty and has all its room") {
    const reply_buffer b{4 * answer_bytes};
    CHECK(b.empty());
    CHECK(b.size() == 0);
    CHECK(b.room() == 4 * answer_bytes);
    CHECK(b.front(100).empty());
}

TEST_CASE("reply_buffer: the front is as many whole frames as fit, the oldest first") {
    reply_buffer b{4 * answer_bytes};
    for (std::uint32_t n = 1; n <= 4; ++n) put_answer(b, n);
    CHECK(b.room() == 0);
    CHECK(answers_in(b.front(4 * answer_bytes)) == answer_numbers{1, 2, 3, 4});
    CHECK(answers_in(b.front(4 * answer_bytes - 1)) == answer_numbers{1, 2, 3});
    CHECK(answers_in(b.front(2 * answer_bytes)) == answer_numbers{1, 2});
    CHECK(answers_in(b.front(answer_bytes + 1)) == answer_numbers{1});
    CHECK(b.front(answer_bytes - 1).empty());
    CHECK(b.front(0).empty());
    CHECK(b.size() == 4 * answer_bytes); // looking takes nothing out
}

TEST_CASE("reply_buffer: what was taken out makes room, wherever it was") {
    reply_buffer b{3 * answer_bytes + answer_bytes / 2};
    std::deque<std::uint32_t> model;
    std::uint32_t next = 0;
    for (int round = 0; round < 100; ++round) {
        while (b.room() >= answer_bytes) {
            put_answer(b, next);
            model.push_back(next++);
        }
        CHECK(model.size() == 3);
        const std::size_t frames = 1 + static_cast<std::size_t>(round) % 3;
        const auto out = b.front(frames * answer_bytes);
        CHECK(answers_in(out) ==
              answer_numbers(model.begin(), model.begin() + static_cast<int>(frames)));
        b.pop(out.size());
        model.erase(model.begin(), model.begin() + static_cast<int>(frames));
        CHECK(b.size() == model.size() * answer_bytes);
        CHECK(b.empty() == model.empty());
    }
}

TEST_CASE("reply_buffer: cleared it is as new") {
    reply_buffer b{2 * answer_bytes};
    put_answer(b, 1);
    put_answer(b, 2);
    b.pop(answer_bytes);
    b.clear();
    CHECK(b.empty());
    CHECK(b.room() == 2 * answer_bytes);
    put_answer(b, 3);
    put_answer(b, 4);
    CHECK(answers_in(b.front(2 * answer_bytes)) == answer_numbers{3, 4});
}
