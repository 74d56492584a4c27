// Rule: an inline_function destroys its callable exactly once, called or not, moved or not.
#include <vmsig/base/inline_function.hpp>

#include <array>
#include <memory>

#include <support/catch.hpp>

#include <support/alloc_guard.hpp>

using namespace vmsig;

namespace {

using task = inline_function<void(), 48>;

struct tally {
    int calls = 0;
    int alive = 0;
};

struct counted {
    explicit counted(tally& in)
        : t{&in} {
        ++t->alive;
    }
    counted(counted&& other) noexcept
        : t{other.t} {
        ++t->alive;
    }
    ~counted() { --t->alive; }
    void operator()() { ++t->calls; }

    tally* t;
};

/// Ends its own container while it is being destroyed.
struct reentrant {
    task* of;
    int* ends;
    reentrant(task& f, int& n)
        : of{&f}
        , ends{&n} {}
    reentrant(reentrant&& other) noexcept
        : of{std::exchange(other.of, nullptr)}
        , ends{other.ends} {}
    ~reentrant() {
        if (of == nullptr) return;
        ++*ends;
        of->reset();
    }
    void operator()() {}
};

} // namespace

TEST_CASE("empty says so") {
    const task none{};
    CHECK_FALSE(none);
}

TEST_CASE("a callable is called and destroyed once") {
    tally t;
    {
        task f{counted{t}};
        CHECK(f);
        CHECK(t.alive == 1);
        f();
        CHECK(t.calls == 1);
    }
    CHECK(t.alive == 0);
}

TEST_CASE("an uncalled callable is destroyed once") {
    tally t;
    task f{counted{t}};
    f.reset();
    CHECK(t.alive == 0);
    CHECK_FALSE(f);
    f.reset();
    CHECK(t.alive == 0);
    CHECK(t.calls == 0);
}

TEST_CASE("a move leaves nothing behind") {
    tally first;
    tally second;
    task a{counted{first}};
    task b{counted{second}};
    task c{std::move(a)};
    CHECK_FALSE(a); // NOLINT(bugprone-use-after-move): what is shown
    CHECK(first.alive == 1);
    c = std::move(b);
    CHECK(first.alive == 0);
    CHECK(second.alive == 1);
    c();
    CHECK(second.calls == 1);
    CHECK(first.calls == 0);
    auto& self = c;
    c = std::move(self);
    CHECK(c);
    CHECK(second.alive == 1);
    c = task{};
    CHECK(second.alive == 0);
}

TEST_CASE("a destructor that resets its own container runs once") {
    int ends = 0;
    task f;
    f = task{reentrant{f, ends}};
    f.reset();
    CHECK(ends == 1);
}

TEST_CASE("arguments reach the callable") {
    int sum = 0;
    inline_function<void(int, int&), 16> f{[](int n, int& to) { to += n; }};
    f(3, sum);
    f(4, sum);
    CHECK(sum == 7);
}

TEST_CASE("only what fits, and moves without throwing, is taken") {
    struct throws_on_move {
        throws_on_move() = default;
        throws_on_move(throws_on_move&&) noexcept(false) {}
        void operator()() {}
    };
    struct alignas(64) over_aligned {
        void operator()() {}
    };
    STATIC_REQUIRE(task::fits<std::array<char, 48>>);
    STATIC_REQUIRE(!task::fits<std::array<char, 49>>);
    STATIC_REQUIRE(!task::fits<throws_on_move>);
    STATIC_REQUIRE(!task::fits<over_aligned>);
}

TEST_CASE("an inline_function allocates nothing") {
    int sum = 0;
    const auto count = test::allocations_in([&] {
        std::array<int, 8> numbers{1, 2, 3};
        task f{[&sum, numbers] { sum += numbers[1]; }};
        task g{std::move(f)};
        g();
    });
    CHECK(count == 0);
    CHECK(sum == 2);
}
