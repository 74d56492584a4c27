/* lease: one cell, (endpoint, class), from acquire to the end of the lease and the next owner.
 *
 * Bounds: 3 controls, of which two can be revoked, two can die, and the slot of one is used again;
 * ranks 0 and 1, of which one changes; a serial of at most 7, as in the tests, hence 3 leases; any
 * number of commands, 2 at a time; one adapter that takes and completes when it likes, fails when
 * it likes, and is replaced; inside a call of it, one thing happens that re-enters the core.
 *
 * A control is hostile: it uses any serial, at any time. The policy is rank_arbitration and
 * ask_arbitration, mixed. First come within a rank is left out: any of them may be next.
 *
 * Variant LAZY: the end of a lease leaves its commands to the fence at `take`, which alone must
 * keep I4. Otherwise both do, and the end of the lease keeps the order of the receipts. */
#define SLOTS 3
#define NODES 2

#ifdef WITHOUT_LEASE_CHECK_AT_TAKE
#define LAZY
#endif
#ifdef LAZY
#define COUNTER_LIMIT 5
#else
#define COUNTER_LIMIT 7
#endif
#include "common.pml"

/* control_slot */
bool live[SLOTS] = true;
bool leaving;                 /* slot 0, until the end of the turn */
bool permitted[SLOTS] = true; /* the grant has the right */
bit generation[SLOTS];
bit rank[SLOTS];

/* lease_arbiter: fence, tenure, wait_list (a control waits at most once) */
byte owner;
byte serial;
bit owner_rank; /* a snapshot */
byte expires;
byte waiter[SLOTS]; /* its origin */
bit waiter_rank[SLOTS];
byte waits_until[SLOTS];
byte ask_deadline[SLOTS];

/* command_node */
byte state[NODES];
byte issuer[NODES];
byte command_serial[NODES];
bool lease_over[NODES];

bool adapter = true;

byte true_leases;       /* ever granted */
byte true_lease[NODES]; /* the one under which the command was accepted */
bit true_rank;          /* of the owner, when it acquired */
bool true_asked;        /* the owner was told that somebody asks */

byte i, n;
byte k, s, w, o, best, ending, ending_serial; /* scratch: 0 between steps */
bool fine, expired, its_rank, timer;

/* An origin is slot and generation: the next tenant of a slot is somebody else. */
#define SLOT(origin) (((origin) - 1) % SLOTS)
#define ORIGIN(slot) ((slot) + 1 + SLOTS * generation[slot])
#define IS_ALIVE(origin) (live[SLOT(origin)] && ORIGIN(SLOT(origin)) == (origin))
#ifdef WITHOUT_GENERATION_IN_HANDLE
#define FIND_CONTROL(origin) (live[SLOT(origin)] && ORIGIN(SLOT(origin)) >= (origin))
#else
#define FIND_CONTROL(origin) IS_ALIVE(origin)
#endif

/* lease_arbiter::check, the fence */
#ifdef WITHOUT_ORIGIN_IN_FENCE
#define CHECK(who, number) (owner != NOBODY && serial == (number))
#elif defined(WITHOUT_SERIAL_IN_FENCE)
#define CHECK(who, number) (owner != NOBODY && owner == (who))
#else
#define CHECK(who, number) (owner != NOBODY && owner == (who) && serial == (number))
#endif

/* One more lease fits, its end included. */
#ifdef WITHOUT_COUNTER_LIMIT
#define HAS_ROOM true
#else
#define HAS_ROOM (COUNTER_LIMIT - serial >= (owner != NOBODY -> 3 : 2))
#endif

#ifdef WITHOUT_RANK_SNAPSHOT
#define RANK_OF_OWNER rank[SLOT(owner)]
#else
#define RANK_OF_OWNER owner_rank
#endif

#define DRAINING (lease_over[0] || lease_over[1])
#define URGENCY(slot) (waiter[slot] != NOBODY -> \
    1 + waiter_rank[slot] + 2 * (ask_deadline[slot] != never) : 0)

inline free_node(x) {
    state[x] = free; issuer[x] = NOBODY; command_serial[x] = 0; lease_over[x] = false;
    true_lease[x] = 0
}

inline withdraw(slot) {
    waiter[slot] = NOBODY; waiter_rank[slot] = 0; waits_until[slot] = never;
    ask_deadline[slot] = never
}

inline grant_lease(who, with_rank) {
    assert(owner == NOBODY);                             /* I1 */
    assert(IS_ALIVE(who) && permitted[SLOT(who)]);       /* I15, I13 */
#ifndef LAZY
    assert(state[0] == free || state[0] == begun);       /* decided before the next owner may act */
    assert(state[1] == free || state[1] == begun);
#endif
    RISE(serial);
    true_leases++;
    assert(serial == 2 * true_leases - 1);               /* I1, I21 */
    owner = who;
    owner_rank = with_rank;
    true_rank = with_rank;
    withdraw(SLOT(who));
#ifndef WITHOUT_FORGETTING_ASKS
    ask_deadline[0] = never; ask_deadline[1] = never; ask_deadline[2] = never;
#endif
    if
    :: expires = never
    :: expires = running
    fi
}

/* Who asks, then the highest rank, then any. SLOTS: nobody. */
inline first_waiter() {
    d_step {
        best = 0;
        for (i : 0 .. SLOTS - 1) {
            if :: URGENCY(i) > best -> best = URGENCY(i) :: else fi
        }
    }
    if
    :: best == 0 -> w = SLOTS
    :: best != 0 && URGENCY(0) == best -> w = 0
    :: best != 0 && URGENCY(1) == best -> w = 1
    :: best != 0 && URGENCY(2) == best -> w = 2
    fi
}

/* A free cell goes to whose turn it is, if that one is still alive, granted and in time. */
inline hand_on_lease() {
    do
    :: owner != NOBODY -> break
    :: else ->
        first_waiter();
        if
        :: w == SLOTS -> break
        :: else ->
            o = waiter[w]; its_rank = waiter_rank[w]; expired = (waits_until[w] == due);
            withdraw(w);
            fine = HAS_ROOM;
#ifndef WITHOUT_LIFE_CHECK_OF_WAITER
            fine = fine && FIND_CONTROL(o);
#endif
#ifndef WITHOUT_GRANT_CHECK_OF_WAITER
            fine = fine && permitted[SLOT(o)];
#endif
#ifndef WITHOUT_DEADLINE_CHECK_OF_WAITER
            fine = fine && !expired;
#endif
            if
            :: fine -> assert(!expired); grant_lease(o, its_rank)
            :: else /* lease_wait_ended: revoked, expired, exhausted */
            fi
        fi
    od
}

inline end_commands(who, number) {
    d_step {
        for (n : 0 .. NODES - 1) {
            if
            :: state[n] == free || issuer[n] != who || command_serial[n] != number
            :: else ->
                if
                :: state[n] == begun -> lease_over[n] = true
                :: else ->
#if !defined(LAZY) && !defined(WITHOUT_ENDING_COMMANDS)
                    free_node(n)
#else
                    skip
#endif
                fi
            fi
        }
    }
}

/* lease_arbiter::end */
inline free_cell(who, number) {
    assert(owner == who && serial == number);            /* nobody else's lease */
    RISE(serial);
    owner = NOBODY; owner_rank = 0; expires = never;
    true_rank = 0; true_asked = false
}

/* detach_adapter(fault): nothing of it is called any more. */
inline quarantine() {
    adapter = false;
    free_node(0); free_node(1);
    if
    :: owner != NOBODY -> free_cell(owner, serial); hand_on_lease()
    :: else
    fi
}

inline accept(who, number) {
    if
    :: state[0] == free -> k = 0
    :: state[0] != free && state[1] == free -> k = 1
    fi;
    assert(owner == who && serial == number);            /* what fails at submission is refused */
    state[k] = queued; issuer[k] = who; command_serial[k] = number;
    true_lease[k] = true_leases
}

/* The adapter is called (neutral, invalidate), and with it anything may happen: it fails, its
 * host detaches or narrows somebody, the owner submits once more. */
inline adapter_called() {
    if
    :: true
    :: adapter -> quarantine()
    :: adapter && owner != NOBODY && IS_ALIVE(owner) && (state[0] == free || state[1] == free) ->
        accept(owner, serial)
    :: adapter && live[0] && owner != ORIGIN(0) -> live[0] = false; leaving = true; withdraw(0)
    :: adapter && permitted[1] && owner != ORIGIN(1) -> permitted[1] = false; withdraw(1)
    fi
}

/* Without hand_on_lease. */
inline end_lease() {
    ending = owner; ending_serial = serial;
    end_commands(ending, ending_serial);
    adapter_called();
#ifndef WITHOUT_ENDING_WHAT_CAME_MEANWHILE
    end_commands(ending, ending_serial);
#endif
    if
#ifndef WITHOUT_CHECK_AFTER_NEUTRAL
    :: !CHECK(ending, ending_serial) -> skip             /* its adapter failed, which ended it */
    :: else -> free_cell(ending, ending_serial)
#else
    :: free_cell(ending, ending_serial)
#endif
    fi
}

inline contend(who) {
    if
    :: owner == who /* already: the same serial, perhaps another time to live */
    :: owner == NOBODY && !HAS_ROOM /* exhausted */
    :: owner == NOBODY && HAS_ROOM -> grant_lease(who, rank[SLOT(who)])
    :: owner != NOBODY && owner != who && !HAS_ROOM /* exhausted */
    :: owner != NOBODY && owner != who && HAS_ROOM && rank[SLOT(who)] > RANK_OF_OWNER ->
        assert(rank[SLOT(who)] > true_rank);             /* the snapshot decides */
        if
        :: /* preempt */
            end_lease();
            fine = (owner == NOBODY);
#ifndef WITHOUT_CHECK_AFTER_PREEMPTION
            fine = fine && FIND_CONTROL(who) && permitted[SLOT(who)];
#endif
            if
            :: fine -> withdraw(SLOT(who)); grant_lease(who, rank[SLOT(who)])
            :: else -> hand_on_lease()
            fi
        :: ask_deadline[SLOT(who)] == never -> /* begin_ask; the owner is told */
            waiter[SLOT(who)] = who; waiter_rank[SLOT(who)] = rank[SLOT(who)];
            ask_deadline[SLOT(who)] = running;
            true_asked = true
        fi
    :: owner != NOBODY && owner != who && HAS_ROOM && rank[SLOT(who)] <= RANK_OF_OWNER &&
        waiter[SLOT(who)] == NOBODY -> /* wait */
        assert(rank[SLOT(who)] <= true_rank);
        waiter[SLOT(who)] = who; waiter_rank[SLOT(who)] = rank[SLOT(who)];
        if
        :: skip
        :: waits_until[SLOT(who)] = running
        fi
    :: else /* held, or it waits already */
    fi
}

/* What holds whenever the core returns to its loop. */
inline settled() {
    d_step {
        for (i : 0 .. SLOTS - 1) {
            assert(waiter[i] == NOBODY || owner != NOBODY);   /* nobody waits for a free cell */
            assert(waiter[i] == NOBODY || (IS_ALIVE(waiter[i]) && permitted[i]));
        }
        assert(owner == NOBODY || (IS_ALIVE(owner) && permitted[SLOT(owner)])); /* I13, I7 */
        k = 0; s = 0; w = 0; i = 0; n = 0; o = 0; best = 0; ending = 0; ending_serial = 0;
        fine = false; expired = false; its_rank = 0; timer = false
    }
}

/* Acts through a handle, also when the control behind it has died. */
proctype control(byte me) {
end:
    do
    :: atomic { FIND_CONTROL(me) && permitted[SLOT(me)] -> contend(me); settled() }
    :: atomic { /* submit, under any serial of the past or the present */
        adapter && FIND_CONTROL(me) && (state[0] == free || state[1] == free) ->
        if
        :: o = serial
        :: serial >= 2 -> o = serial - 2
        fi;
        if
#ifndef WITHOUT_LEASE_CHECK_AT_SUBMIT
        :: !CHECK(me, o) /* not_holder */
        :: CHECK(me, o) -> accept(me, o)
#else
        :: accept(me, o)
#endif
        fi;
        settled()
       }
    :: atomic { /* renew, also when it is due */
        FIND_CONTROL(me) && CHECK(me, serial) && expires != running -> expires = running; settled()
       }
    :: atomic { /* withdraw */
        FIND_CONTROL(me) && waiter[SLOT(me)] == me -> withdraw(SLOT(me)); settled()
       }
    od
}

#define ASK_DUE (ask_deadline[0] == due || ask_deadline[1] == due) /* slot 2 never ranks higher */
#define WAIT_DUE (waits_until[0] == due || waits_until[1] == due || waits_until[2] == due)

#ifdef WITHOUT_TIME_TO_LIVE
#define OWNER_DUE ASK_DUE
#elif defined(WITHOUT_ASK_DEADLINE)
#define OWNER_DUE (expires == due)
#else
#define OWNER_DUE (expires == due || ASK_DUE)
#endif

/* The ways for a lease to end by itself: release, force_release, and on_lease_timer. */
active proctype ends() {
end:
    do
    :: atomic { owner != NOBODY || expires == due || ASK_DUE || WAIT_DUE ->
        if
        :: owner != NOBODY -> timer = false; fine = true
        :: expires == due || ASK_DUE || WAIT_DUE ->
            timer = true;
            if :: waits_until[0] == due -> withdraw(0) :: else fi;
            if :: waits_until[1] == due -> withdraw(1) :: else fi;
            if :: waits_until[2] == due -> withdraw(2) :: else fi;
            fine = (owner != NOBODY && OWNER_DUE);
            assert(!fine || expires == due || true_asked) /* asked before it is preempted */
        fi;
        if
        :: fine -> end_lease(); hand_on_lease()
        :: else
        fi;
        assert(!timer || (expires != due && !ASK_DUE && !WAIT_DUE)); /* whatever the owner does */
        settled()
       }
    od
}

active proctype clock() {
end:
    do
    :: atomic { expires == running -> expires = due }
    :: atomic { ask_deadline[0] == running -> ask_deadline[0] = due }
    :: atomic { ask_deadline[1] == running -> ask_deadline[1] = due }
    :: atomic { waits_until[0] == running -> waits_until[0] = due }
    :: atomic { waits_until[1] == running -> waits_until[1] = due }
    :: atomic { waits_until[2] == running -> waits_until[2] = due }
    od
}

/* detach_control, narrowing, and what undoes them. */
active proctype host() {
end:
    do
    :: atomic {
        if
        :: live[0] -> s = 0; live[0] = false; leaving = true
        :: live[2] -> s = 2; live[2] = false
        :: permitted[1] -> s = 1; permitted[1] = false
        :: permitted[2] -> s = 2; permitted[2] = false
        fi;
        o = ORIGIN(s);
        d_step { /* end_commands_of, revoke */
            for (n : 0 .. NODES - 1) {
                if
#ifndef LAZY
                :: issuer[n] == o && state[n] != begun -> free_node(n)
#endif
                :: else
                fi
            }
        }
        adapter_called();
#ifndef WITHOUT_DROPPING_WAITERS
        withdraw(s);
#endif
        if
#ifndef WITHOUT_RECLAIM
        :: owner == ORIGIN(s) -> end_lease(); hand_on_lease()
#endif
        :: else
        fi;
        settled()
       }
    :: atomic { leaving -> leaving = false }
    :: atomic { !live[0] && !leaving && generation[0] == 0 -> /* bind_control */
        assert(owner != ORIGIN(0) && waiter[0] == NOBODY);
        generation[0] = 1; live[0] = true
       }
    :: atomic { !permitted[1] -> permitted[1] = true }
    :: atomic { live[2] && !permitted[2] -> permitted[2] = true }
    :: atomic { rank[0] = 1 - rank[0] }
    od
}

inline hand_over(x) {
#ifndef WITHOUT_WAITING_FOR_THE_DRAIN
    adapter && state[x] == queued && !DRAINING ->
#else
    adapter && state[x] == queued ->
#endif
    state[x] = handed
}

/* Also when the time to live is over and nobody has acted on it yet. */
#ifdef WITHOUT_LEASE_CHECK_AT_TAKE
#define STILL_FENCED(x) (expires != due)
#elif defined(WITHOUT_TIME_CHECK_AT_TAKE)
#define STILL_FENCED(x) CHECK(issuer[x], command_serial[x])
#else
#define STILL_FENCED(x) (CHECK(issuer[x], command_serial[x]) && expires != due)
#endif

/* Execution begins. */
inline take(x) {
    state[x] == handed ->
    if
    :: !STILL_FENCED(x) -> free_node(x)                  /* lease_lost */
    :: STILL_FENCED(x) ->
        assert(expires != due);
        assert(owner == issuer[x] && true_lease[x] == true_leases); /* I4 */
        assert(state[1 - x] != begun || true_lease[1 - x] == true_leases); /* drained */
        state[x] = begun
    fi
}

/* The one adapter of the class, and what the core's dispatch gives it. */
active proctype adapters() {
end:
    do
    :: atomic { hand_over(0) }
    :: atomic { hand_over(1) }
    :: atomic { take(0) }
    :: atomic { take(1) }
    :: atomic { state[0] == begun -> free_node(0) } /* complete */
    :: atomic { state[1] == begun -> free_node(1) }
    :: atomic { state[0] == queued || state[0] == handed -> free_node(0) } /* cancelled, expired */
    :: atomic { state[1] == queued || state[1] == handed -> free_node(1) }
    :: atomic { adapter -> quarantine(); settled() } /* it failed, or its drain deadline came */
    :: atomic { !adapter -> adapter = true }
    od
}

init {
    atomic { rank[1] = 1; run control(1); run control(2); run control(3); run control(4) }
}
