/* Entry of the guest: header, boot page tables, segments, stack, cleared .bss, then guest_main. */
#include "image.h"

    .section .header, "a"
    .quad VMSIG_IMAGE_MAGIC
    .quad entry
    .quad boot_root
    .quad image_end

    .section .data
    .balign 4096
    .global boot_root
boot_root:
    .quad boot_directory + 3
    .fill 511, 8, 0
boot_directory:
    .quad boot_entries + 3
    .fill 511, 8, 0
boot_entries:                                   /* 512 pages of 2 MiB: present, writable, large */
    .set page, 0
    .rept 512
    .quad page + 0x83
    .set page, page + 0x200000
    .endr

segments:
    .quad 0
    .quad 0x00af9b000000ffff                    /* 64-bit code */
    .quad 0x00cf93000000ffff                    /* data */
segments_end:
segments_pointer:
    .word segments_end - segments - 1
    .quad segments

    .section .bss.noinit, "aw", @nobits
    .balign 16
    .skip 16384
stack_top:

    .text
    .global entry
entry:
    cli
    cld
    mov $stack_top, %rsp
    lgdt segments_pointer
    pushq $VMSIG_IMAGE_CODE_SELECTOR
    pushq $1f
    lretq
1:
    mov $VMSIG_IMAGE_DATA_SELECTOR, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %rdi, %rbx
    mov $bss_start, %edi
    mov $bss_end, %ecx
    sub %edi, %ecx
    shr $3, %ecx
    xor %eax, %eax
    rep stosq
    mov %rbx, %rdi
    call guest_main
2:
    cli
    hlt
    jmp 2b

    .section .note.GNU-stack, "", @progbits
