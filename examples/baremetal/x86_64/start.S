/* SPDX-License-Identifier: MIT */
/*
 * The boot loader enters here in 32-bit mode (Multiboot 1): eax holds a magic number, ebx
 * the address of what the loader tells. We map the first 4 GiB one to one and go on in
 * 64-bit mode. Other CPUs start in 16-bit mode at 0x8000, where machine_start_cpu() puts a
 * copy of trampoline.
 */
#define MAGIC 0x1badb002
#define FLAGS 0x00000002 /* tell about memory */

	.section .multiboot, "a"
	.balign	4
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.section .text.start, "ax"
	.code32
	.globl	start
start:
	cli
	cld
	movl	%ebx, loader_info
	/* 2,048 entries of 2 MiB in four page directories */
	movl	$page_directories, %edi
	movl	$0x83, %eax		/* present, writable, large */
	movl	$2048, %ecx
1:	movl	%eax, (%edi)
	movl	$0, 4(%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	1b
	movl	$page_directories + 3, %eax
	movl	$page_pointers, %edi
	movl	$4, %ecx
2:	movl	%eax, (%edi)
	addl	$4096, %eax
	addl	$8, %edi
	loop	2b
	movl	$page_pointers + 3, %eax
	movl	%eax, page_map
	movl	$0, %esi		/* CPU 0 */
	jmp	enter_long_mode

/* esi: the CPU's number. Protected mode, flat segments, no paging. */
	.globl	enter_long_mode
enter_long_mode:
	movl	$page_map, %eax
	movl	%eax, %cr3
	movl	%cr4, %eax
	orl	$0x20, %eax		/* physical address extension */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$0x100, %eax		/* long mode */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax	/* paging, protection */
	movl	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$8, $1f
	.code64
1:	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	%esi, %edi
	leal	1(%esi), %esp
	shll	$14, %esp
	addl	$stacks, %esp
	xorl	%ebp, %ebp
	testl	%esi, %esi
	jnz	2f
	movl	loader_info, %edi
	call	machine_main
2:	call	machine_secondary

/* ------------------------------------------------ where other CPUs start */
	.section .rodata
	.globl	trampoline, trampoline_end
	.balign	16
	.code16
trampoline:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	0x8000 + trampoline_gdt_pointer - trampoline
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$24, $0x8000 + trampoline_32 - trampoline
	.code32
trampoline_32:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	starting_cpu, %esi
	movl	$enter_long_mode, %eax
	jmp	*%eax
	.balign	4
trampoline_gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt
trampoline_end:

	.balign	8
gdt:
	.quad	0
	.quad	0x00af9a000000ffff	/* 8: 64-bit code */
	.quad	0x00cf92000000ffff	/* 16: data */
	.quad	0x00cf9a000000ffff	/* 24: 32-bit code */
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt

/* ------------------------------------------------------- traps, interrupts */
	.text
	.code64
	.globl	timer_entry
timer_entry:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	cld
	call	machine_timer
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

/* One stub of 32 bytes for each exception. */
	.globl	exception_entries
	.balign	32
exception_entries:
	.set	vector, 0
	.rept	32
	.balign	32
	movl	$vector, %edi
	movq	(%rsp), %rsi		/* where, or the error code in front of it */
	movq	8(%rsp), %rdx
	jmp	exception
	.set	vector, vector + 1
	.endr
exception:
	andq	$-16, %rsp
	call	machine_exception

	.section .data
	.balign	8
	.globl	starting_cpu
starting_cpu:
	.long	0
loader_info:
	.long	0

	.section .bss
	.balign	4096
page_map:
	.space	4096
page_pointers:
	.space	4096
page_directories:
	.space	4 * 4096
stacks:
	.space	16 * 16384
