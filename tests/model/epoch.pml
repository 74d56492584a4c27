/* epoch: what is fenced by the epoch, the fence itself, and the commanded reset that raises it.
 *
 * Bounds: 2 controls, a writer with memwrite and memread, which can be revoked, and an operator
 * with power; each loses its lease and has it again at most once; epochs 1 to 3, and 2 more raises
 * when they are exhausted; any number of commands, 2 at a time; 2 adapters (memory, host) that
 * take and complete when they like, fail, complete twice, and take inside any other call of them.
 * Leases survive an epoch.
 *
 * A control acts on the epoch that it has seen; it may pin that one or its first one.
 *
 * A counter that wraps (WITHOUT_COUNTER_LIMIT, in common.pml) fails here too.
 *
 * Variant LAZY: what an epoch, a lease or a right leaves behind is not ended at once, but by the
 * fence when execution begins, which alone must keep I2, I4 and I7. */
#define NODES 2

#if defined(WITHOUT_EPOCH_CHECK_AT_TAKE) || defined(WITHOUT_GRANT_CHECK_AT_TAKE) || \
    defined(WITHOUT_LEASE_CHECK_AT_TAKE) || defined(WITHOUT_CHECK_BEFORE_RAISE)
#define LAZY
#endif
#ifdef LAZY
#define COUNTER_LIMIT 2
#define TRUE_LIMIT 3
#else
#define COUNTER_LIMIT 3
#define TRUE_LIMIT 5
#endif
#include "common.pml"

#define writer 0
#define operator 1

/* verbs; a power verb is fenced by epoch only if its issuer asks */
#define mem_write 1
#define mem_read 2
#define reset 3
#define fenced_reset 4

/* how a command ends: its receipt is not the matter here */
#define done 0
#define stale 1
#define undone 2

/* epoch_keeper */
byte epoch = 1;
bool exhausted;
byte commanded;
bool absorbed; /* a reset was told while they were under way */
bool some_undone;
bool owed;     /* raise_for_absorbed */
bool again;    /* the step is over but for that */

/* routing_rows, and the notice: queued, or being delivered to somebody else first */
bool row[2] = true; /* any_right */
bool seen[2] = true;
bool told[2];
bool coming[2];
byte known[2] = 1; /* the last epoch that its callback was told */

/* The writer's grant, and the replay when it comes back: replay_end is on its way. */
bool permitted = true;
bool replaying, ending;
bool ready = true;
byte end_epoch, true_end;

byte serial[2];        /* of the leases: memwrite, power */

/* command_node */
byte state[NODES];
byte verb[NODES];
byte command_epoch[NODES];
byte command_serial[NODES];
bool raised_epoch[NODES];

bool asked; /* the provider, to publish */

byte true_epoch = 1;        /* goes on when the counter is exhausted */
byte epoch_told, true_told; /* by the notice that is being delivered */
byte true_known[2] = 1;
byte true_raised;           /* by the last command that did */
bool true_absorbed;         /* of which incarnation the machine is, is not known yet */
byte true_basis[NODES];     /* what its issuer knew */

bool fine;
byte m, what, failed, pinned, basis; /* scratch: 0 between steps */

#ifdef WITHOUT_EXHAUSTION
#define IS_CURRENT(e) ((e) == epoch)
#else
#define IS_CURRENT(e) (!exhausted && (e) == epoch)
#endif
#define ISSUER(k) (verb[k] <= mem_read -> writer : operator)
#define NOT_BEGUN(k) (state[k] != free && state[k] != begun)
#define FENCED(k) (verb[k] != reset)

inline free_node(k) {
    state[k] = free; verb[k] = 0; command_epoch[k] = 0; command_serial[k] = 0;
    raised_epoch[k] = false; true_basis[k] = 0
}

/* How a command ends. Asked: the memory may be published again, for the reset did not come. What
 * was absorbed for resets that were not done was the guest's own. */
inline end_command(k, how) {
    assert(state[k] != free);                            /* one receipt */
    if
    :: raised_epoch[k] ->
#ifndef WITHOUT_END_OF_WINDOW
        commanded--;
#endif
        some_undone = some_undone || (how != done);
        if
        :: commanded == 0 ->
            owed = absorbed && some_undone;
            true_absorbed = owed;
            absorbed = false; some_undone = false
        :: else
        fi;
#ifndef WITHOUT_ASKING_AFTER_FAILURE
        asked = asked || (how == undone);
#endif
        assert(asked || how != undone)
    :: else
    fi;
    free_node(k)
}

/* Why it may not begin: 0 if it may. */
inline still_fenced(k) {
    failed = 0;
#ifndef WITHOUT_EPOCH_CHECK_AT_TAKE
    if :: FENCED(k) && !IS_CURRENT(command_epoch[k]) -> failed = 1 :: else fi;
#endif
#ifndef WITHOUT_LEASE_CHECK_AT_TAKE
    if :: verb[k] != mem_read && command_serial[k] != serial[ISSUER(k)] -> failed = 2 :: else fi;
#endif
#ifndef WITHOUT_GRANT_CHECK_AT_TAKE
    if :: ISSUER(k) == writer && !permitted -> failed = 3 :: else fi
#endif
}

/* Execution begins. */
inline begin(k) {
    assert(state[k] == handed || state[k] == chosen);    /* it has not ended meanwhile */
    assert(!FENCED(k) || raised_epoch[k] || true_basis[k] == true_epoch); /* I2 */
    assert(!raised_epoch[k] || !FENCED(k) || command_epoch[k] == epoch);  /* I2, stamped anew */
    assert(verb[k] == mem_read || command_serial[k] == serial[ISSUER(k)]); /* I4 */
    assert(ISSUER(k) != writer || permitted);                             /* I7 */
    assert(!FENCED(k) || raised_epoch[k] || !true_absorbed); /* one epoch, one incarnation */
    state[k] = begun
}

inline take(k) {
    still_fenced(k);
    if
    :: failed != 0 -> end_command(k, (failed == 1 -> stale : undone))
    :: else -> begin(k)
    fi
}

/* Whatever it is called for, an adapter may take what it was handed. */
inline adapter_called() {
    do
    :: state[0] == handed -> take(0)
    :: state[1] == handed -> take(1)
    :: true -> break
    od
}

inline end_stale_commands() {
    for (m : 0 .. NODES - 1) {
        if
#ifndef WITHOUT_TRUE_OUTCOME
        :: !NOT_BEGUN(m)
#else
        :: state[m] == free
#endif
        :: else ->
            if
#ifndef WITHOUT_POWER_EXEMPTION
            :: !FENCED(m)
#endif
            :: IS_CURRENT(command_epoch[m])
            :: else ->
                assert(FENCED(m));                       /* who reboots in a loop has no veto */
                assert(state[m] != begun);               /* what has begun ends truly */
#if !defined(LAZY) && !defined(WITHOUT_ENDING_STALE_COMMANDS)
                end_command(m, stale)
#else
                skip
#endif
            fi
        fi
    }
}

/* epoch_keeper::raise */
inline raise() {
    true_epoch++;
    absorbed = false; true_absorbed = false;
    if
    :: AT_LIMIT(epoch) || exhausted -> exhausted = true
    :: else -> RISE(epoch)
    fi
}

inline roll_over() {
    seen[0] = false; seen[1] = false;
    asked = false;
    end_stale_commands();
    adapter_called(); /* neutral */
#ifndef WITHOUT_ANNOUNCEMENT
    told[0] = row[0]; told[1] = row[1];
#endif
    asked = true
}

/* What holds whenever the core returns to its loop. */
inline settled() {
    d_step {
        assert(commanded == raised_epoch[0] + raised_epoch[1]);
        assert(commanded == 0 || true_raised == true_epoch); /* in its window nothing else raises */
        assert(!absorbed || commanded > 0);
        assert(!true_absorbed || absorbed || owed);
        for (m : 0 .. NODES - 1) {
            assert(seen[m] || told[m] || !row[m] || ending); /* everybody is told */
#ifndef LAZY
            assert(!NOT_BEGUN(m) || !FENCED(m) || IS_CURRENT(command_epoch[m])); /* ended at once */
#endif
        }
        again = owed; owed = false;
        m = 0; what = 0; failed = 0; pinned = 0; basis = 0; fine = false
    }
}

#define MAY_RAISE (!AT_LIMIT(epoch) && !exhausted && true_epoch < TRUE_LIMIT)

/* Checked against the current epoch, which then rises; the command goes on in the new one. */
inline raise_for(k) {
#ifndef WITHOUT_CHECK_BEFORE_RAISE
    still_fenced(k);
#else
    failed = 0;
#endif
    if
    :: failed != 0 -> end_command(k, undone)
    :: failed == 0 && !MAY_RAISE -> end_command(k, undone) /* it changes nothing */
    :: failed == 0 && MAY_RAISE ->
        assert(command_serial[k] == serial[operator]);
        assert(!FENCED(k) || true_basis[k] == true_epoch);
        RISE(epoch);
        commanded++;
        true_epoch++;
        absorbed = false; true_absorbed = false;
        true_raised = true_epoch;
        raised_epoch[k] = true;
        state[k] = chosen;
#ifndef WITHOUT_RESTAMP
        command_epoch[k] = epoch;
        true_basis[k] = true_epoch;
#endif
        roll_over();
        assert(state[k] == chosen)                       /* not by its own raise */
    fi
}

/* Everything of the writer that has not begun. */
inline revoke() {
    permitted = false;
    row[writer] = false; ready = false; seen[writer] = false;
    told[writer] = false; /* take_back */
    replaying = false; ending = false; end_epoch = 0; true_end = 0;
#ifndef LAZY
    if :: NOT_BEGUN(0) && ISSUER(0) == writer -> end_command(0, undone) :: else fi;
    if :: NOT_BEGUN(1) && ISSUER(1) == writer -> end_command(1, undone) :: else fi
#endif
}

/* Anything may happen while the provider is asked. */
inline read_memory(k) {
    state[k] = chosen;
    adapter_called();
    if
    :: true
    :: commanded == 0 && true_epoch < TRUE_LIMIT -> raise(); roll_over()
    :: permitted -> revoke()
    fi;
    if
#ifndef WITHOUT_CHECK_AFTER_PROVIDER
    :: state[k] != chosen
#endif
    :: else ->
        take(k);
        if :: state[k] == begun -> end_command(k, done) :: else fi
    fi
}

/* The notice of the current epoch was entered, not merely sent. */
#ifdef WITHOUT_SEEN_CHECK
#define HAS_SEEN(me) true
#elif defined(WITHOUT_COMING_CHECK)
#define HAS_SEEN(me) seen[me]
#else
#define HAS_SEEN(me) (seen[me] && !coming[me])
#endif

inline submit(me) {
    if /* the epoch that its issuer has seen, or a pinned one */
    :: pinned = 0; basis = true_known[me]; fine = HAS_SEEN(me)
    :: pinned = known[me]; basis = true_known[me]; fine = IS_CURRENT(pinned)
    :: pinned = 1; basis = 1; fine = IS_CURRENT(pinned)
    fi;
#ifdef WITHOUT_EPOCH_CHECK_AT_SUBMIT
    fine = fine || pinned != 0;
#endif
    fine = (what == reset) || (fine && !exhausted);
    m = (state[0] == free -> 0 : 1);
    if
    :: fine ->
        state[m] = queued; verb[m] = what;
        command_epoch[m] = (pinned == 0 -> epoch : pinned);
        command_serial[m] = (what == mem_read -> 0 : serial[me]);
        true_basis[m] = basis
    :: else /* stale_epoch, exhausted */
    fi
}

inline lose_lease(me) {
    serial[me]++;
#ifndef LAZY
    for (m : 0 .. NODES - 1) {
        if
        :: NOT_BEGUN(m) && verb[m] != mem_read && ISSUER(m) == me -> end_command(m, undone)
        :: else
        fi
    }
#endif
}

#define ROOM (state[0] == free || state[1] == free)

active proctype controls() provided (!again) {
end:
    do
    :: atomic { ROOM && ready ->
        if :: what = mem_write :: what = mem_read fi;
        submit(writer);
        settled()
       }
    :: atomic { ROOM ->
        if :: what = reset :: what = fenced_reset fi;
        submit(operator);
        settled()
       }
    :: atomic { NOT_BEGUN(0) -> end_command(0, undone); settled() } /* cancelled, expired */
    :: atomic { NOT_BEGUN(1) -> end_command(1, undone); settled() }
    :: atomic { serial[writer] == 0 -> lose_lease(writer); settled() }
    :: atomic { serial[operator] == 0 -> lose_lease(operator); settled() }
    :: atomic { permitted -> revoke(); settled() }
    :: atomic { !permitted -> permitted = true; replaying = true }
    od
}

#define TOLD_ALL (!told[0] && !told[1] && !coming[1])

/* A callback is told of the epoch. */
inline enter(who) { known[who] = epoch_told; true_known[who] = true_told }

/* drain: the notice goes to one after the other; before the second one, the first acts. */
active proctype delivery() provided (!again) {
end:
    do
    :: atomic { (told[0] || told[1]) && !coming[1] && !ending ->
        seen[0] = seen[0] || told[0]; seen[1] = seen[1] || told[1]; /* mark_seen */
        epoch_told = epoch; true_told = true_epoch;
        if
        :: told[0] -> coming[1] = told[1]; enter(0)
        :: else -> enter(1)
        fi;
        told[0] = false; told[1] = false;
        settled()
       }
    :: atomic { replaying && TOLD_ALL ->
        replaying = false; row[writer] = true;
        ending = true; end_epoch = epoch; true_end = true_epoch;
        settled()
       }
    :: atomic { ending -> /* replay_end, in its place before the notice */
        ready = true;
#ifndef WITHOUT_EPOCH_IN_MARK_SEEN
        seen[writer] = (end_epoch == epoch);
#else
        seen[writer] = true;
#endif
        known[writer] = end_epoch; true_known[writer] = true_end;
        ending = false; end_epoch = 0; true_end = 0;
        settled()
       }
    :: atomic { coming[1] -> coming[1] = false; enter(1) }
    od
}

/* class_waits */
#ifndef WITHOUT_WAITING_FOR_THE_RESET
#define WAITS(k) (verb[k] <= mem_read && commanded > 0)
#else
#define WAITS(k) false
#endif

inline consider(k) {
    state[k] == queued && !WAITS(k) ->
    if
    :: verb[k] == mem_write -> state[k] = handed
    :: verb[k] == mem_read -> read_memory(k)
    :: verb[k] >= reset -> raise_for(k)
    fi;
    settled()
}

/* A command that raised the epoch goes on when everybody was told: wait_for_notices. */
inline hand_over(k) {
#ifndef WITHOUT_WAITING_FOR_NOTICES
    state[k] == chosen && TOLD_ALL ->
#else
    state[k] == chosen ->
#endif
    assert(TOLD_ALL);
    state[k] = handed
}

/* An adapter names the command: this one, or the one before it in that node, a second time. */
inline complete(k) {
    state[k] == begun ->
    if :: fine = true :: fine = false fi;
    if
#ifndef WITHOUT_ID_CHECK
    :: !fine
    :: fine ->
#else
    :: true ->
#endif
        assert(fine);
        if :: end_command(k, done) :: end_command(k, undone) fi
    fi;
    settled()
}

active proctype adapters() provided (!again) {
end:
    do
    :: atomic { consider(0) }
    :: atomic { consider(1) }
    :: atomic { hand_over(0) }
    :: atomic { hand_over(1) }
    :: atomic { state[0] == handed -> take(0); settled() }
    :: atomic { state[1] == handed -> take(1); settled() }
    :: atomic { complete(0) }
    :: atomic { complete(1) }
    :: atomic { asked -> asked = false } /* it publishes */
#ifndef WITHOUT_WINDOW
    :: atomic { commanded == 0 && true_epoch < TRUE_LIMIT -> raise(); roll_over(); settled() }
    :: atomic { commanded > 0 && true_epoch < TRUE_LIMIT ->
        absorbed = true; true_absorbed = true;
        settled()
       }
#else
    :: atomic { true_epoch < TRUE_LIMIT -> raise(); roll_over(); settled() }
#endif
    od
}

/* raise_for_absorbed, at the end of the step in which the last of them ended */
active proctype the_same_step() {
end:
    do
    :: atomic { again ->
        again = false;
#ifndef WITHOUT_RAISING_FOR_WHAT_WAS_ABSORBED
        raise(); roll_over();
#else
        true_epoch++; true_absorbed = false;
#endif
        settled()
       }
    od
}
