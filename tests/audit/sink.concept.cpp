// audit_sink is syntax for three total verbs; each negative model fails for the one reason in its
// name.
#include <vmsig/audit/sink.hpp>

using namespace vmsig;

namespace {

struct archetype {
    bool reserve(unsigned, unsigned) noexcept;
    void refund(unsigned, unsigned) noexcept;
    bool write(const audit_record&, audit_room) noexcept;
    archetype() = delete;
    archetype(const archetype&) = delete;
};
static_assert(audit_sink<archetype>);

struct reserve_may_throw : archetype {
    bool reserve(unsigned, unsigned);
};
static_assert(!audit_sink<reserve_may_throw>);

struct reserve_does_not_answer : archetype {
    void reserve(unsigned, unsigned) noexcept;
};
static_assert(!audit_sink<reserve_does_not_answer>);

struct write_does_not_say_lost : archetype {
    void write(const audit_record&, audit_room) noexcept;
};
static_assert(!audit_sink<write_does_not_say_lost>);

struct write_wants_to_change_the_record : archetype {
    bool write(audit_record&, audit_room) noexcept;
};
static_assert(!audit_sink<write_wants_to_change_the_record>);

struct write_ignores_where_room_comes_from : archetype {
    bool write(const audit_record&) noexcept;
};
static_assert(!audit_sink<write_ignores_where_room_comes_from>);

struct refund_may_throw : archetype {
    void refund(unsigned, unsigned);
};
static_assert(!audit_sink<refund_may_throw>);

using callback = decltype([](const audit_record&) {});
static_assert(audit_sink<null_sink> && audit_sink<callback_sink<callback>>);

} // namespace
