/* One stub per vector, 16 bytes apart: all lead to interrupt_dispatch(vector, code, ip). */
#define IS(v) (vector == v)
#define PUSHES_CODE (IS(8) | ((vector >= 10) & (vector <= 14)) | IS(17) | IS(21))

    .text
    .balign 16
    .global vector_stubs
vector_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if PUSHES_CODE == 0
    pushq $0
    .endif
    pushq $vector
    jmp common
    .set vector, vector + 1
    .endr

/* The processor aligned the stack before its own pushes. */
common:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    cld
    mov 72(%rsp), %rdi
    mov 80(%rsp), %rsi
    mov 88(%rsp), %rdx
    call interrupt_dispatch
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits
