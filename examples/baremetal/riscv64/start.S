/* SPDX-License-Identifier: MIT */
/*
 * OpenSBI enters here in supervisor mode, without paging: a0 is the hart's id, a1 the
 * address of the device tree. machine_start_cpu() has other harts enter at secondary,
 * with their CPU number in a1. tp holds the CPU's number from then on.
 */
	.section .text.start, "ax"
	.globl start
start:
	csrw	sie, zero
	la	t0, trap_entry
	csrw	stvec, t0
	la	t0, boot_hart
	sd	a0, 0(t0)
	la	t0, bss_start
	la	t1, bss_end
1:	bgeu	t0, t1, 2f
	sd	zero, 0(t0)
	addi	t0, t0, 8
	j	1b
2:	li	tp, 0
	la	sp, stacks + 16384
	mv	a0, a1
	call	machine_main
	.globl secondary
secondary:
	csrw	sie, zero
	la	t0, trap_entry
	csrw	stvec, t0
	mv	tp, a1
	addi	t0, a1, 1
	slli	t0, t0, 14
	la	sp, stacks
	add	sp, sp, t0
	mv	a0, a1
	call	machine_secondary

	.text
	.balign	4
	.globl trap_entry
trap_entry:
	addi	sp, sp, -128
	sd	ra, 0(sp)
	sd	t0, 8(sp)
	sd	t1, 16(sp)
	sd	t2, 24(sp)
	sd	t3, 32(sp)
	sd	t4, 40(sp)
	sd	t5, 48(sp)
	sd	t6, 56(sp)
	sd	a0, 64(sp)
	sd	a1, 72(sp)
	sd	a2, 80(sp)
	sd	a3, 88(sp)
	sd	a4, 96(sp)
	sd	a5, 104(sp)
	sd	a6, 112(sp)
	sd	a7, 120(sp)
	csrr	a0, scause
	csrr	a1, sepc
	call	machine_trap
	ld	ra, 0(sp)
	ld	t0, 8(sp)
	ld	t1, 16(sp)
	ld	t2, 24(sp)
	ld	t3, 32(sp)
	ld	t4, 40(sp)
	ld	t5, 48(sp)
	ld	t6, 56(sp)
	ld	a0, 64(sp)
	ld	a1, 72(sp)
	ld	a2, 80(sp)
	ld	a3, 88(sp)
	ld	a4, 96(sp)
	ld	a5, 104(sp)
	ld	a6, 112(sp)
	ld	a7, 120(sp)
	addi	sp, sp, 128
	sret

	.section .data
	.balign	8
	.globl boot_hart
boot_hart:
	.dword	0

	.section .bss
	.balign	16
stacks:
	.space	16 * 16384
