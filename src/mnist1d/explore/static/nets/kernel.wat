;; The inner loops of training: products of matrices and elementwise steps, on vectors of four 32-bit floats.
;;
;; Matrices are row-major and contiguous; pointers and sizes marked "bytes" count bytes. The last axis of
;; every matrix, the columns of a batch, is a multiple of 8, other sizes are any. Rows beyond the last one of
;; a block of five are the last one again: they are computed more than once, with the same result.
;;
;; `python -m mnist1d.explore.kernel` compiles this file to kernel.wasm.
(module
  (import "env" "memory" (memory 1))

  ;; Where row i + by of a matrix begins, or its last row if there is none.
  (func $row (param $base i32) (param $i i32) (param $by i32) (param $rows i32) (param $rowBytes i32) (result i32)
    (local.set $i (i32.add (local.get $i) (local.get $by)))
    (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
    (i32.add
      (local.get $base)
      (i32.mul
        (select (local.get $i) (local.get $rows) (i32.lt_s (local.get $i) (local.get $rows)))
        (local.get $rowBytes))))

  ;; c (m, n) = a (m, k) b (k, n), added to c & keep, where keep is 0 or -1.
  (func (export "multiply")
    (param $c i32) (param $a i32) (param $b i32) (param $m i32) (param $k i32) (param $n i32) (param $keep i32)
    (local $i i32) (local $j i32) (local $p i32) (local $end i32) (local $rowBytes i32) (local $aBytes i32)
    (local $a0 i32) (local $a1 i32) (local $a2 i32) (local $a3 i32) (local $a4 i32)
    (local $c0 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32) (local $c4 i32)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128) (local $s4 v128)
    (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128) (local $t4 v128)
    (local $left v128) (local $right v128) (local $scalar v128) (local $mask v128)
    (local.set $rowBytes (i32.shl (local.get $n) (i32.const 2)))
    (local.set $aBytes (i32.shl (local.get $k) (i32.const 2)))
    (local.set $mask (i32x4.splat (local.get $keep)))
    (loop $columns
      (local.set $i (i32.const 0))
      (loop $rows
        (local.set $a0
          (call $row (local.get $a) (local.get $i) (i32.const 0) (local.get $m) (local.get $aBytes)))
        (local.set $a1
          (call $row (local.get $a) (local.get $i) (i32.const 1) (local.get $m) (local.get $aBytes)))
        (local.set $a2
          (call $row (local.get $a) (local.get $i) (i32.const 2) (local.get $m) (local.get $aBytes)))
        (local.set $a3
          (call $row (local.get $a) (local.get $i) (i32.const 3) (local.get $m) (local.get $aBytes)))
        (local.set $a4
          (call $row (local.get $a) (local.get $i) (i32.const 4) (local.get $m) (local.get $aBytes)))
        (local.set $c0
          (i32.add
            (local.get $j)
            (call $row (local.get $c) (local.get $i) (i32.const 0) (local.get $m) (local.get $rowBytes))))
        (local.set $c1
          (i32.add
            (local.get $j)
            (call $row (local.get $c) (local.get $i) (i32.const 1) (local.get $m) (local.get $rowBytes))))
        (local.set $c2
          (i32.add
            (local.get $j)
            (call $row (local.get $c) (local.get $i) (i32.const 2) (local.get $m) (local.get $rowBytes))))
        (local.set $c3
          (i32.add
            (local.get $j)
            (call $row (local.get $c) (local.get $i) (i32.const 3) (local.get $m) (local.get $rowBytes))))
        (local.set $c4
          (i32.add
            (local.get $j)
            (call $row (local.get $c) (local.get $i) (i32.const 4) (local.get $m) (local.get $rowBytes))))
        (local.set $s0 (v128.and (v128.load (local.get $c0)) (local.get $mask)))
        (local.set $t0 (v128.and (v128.load offset=16 (local.get $c0)) (local.get $mask)))
        (local.set $s1 (v128.and (v128.load (local.get $c1)) (local.get $mask)))
        (local.set $t1 (v128.and (v128.load offset=16 (local.get $c1)) (local.get $mask)))
        (local.set $s2 (v128.and (v128.load (local.get $c2)) (local.get $mask)))
        (local.set $t2 (v128.and (v128.load offset=16 (local.get $c2)) (local.get $mask)))
        (local.set $s3 (v128.and (v128.load (local.get $c3)) (local.get $mask)))
        (local.set $t3 (v128.and (v128.load offset=16 (local.get $c3)) (local.get $mask)))
        (local.set $s4 (v128.and (v128.load (local.get $c4)) (local.get $mask)))
        (local.set $t4 (v128.and (v128.load offset=16 (local.get $c4)) (local.get $mask)))
        (local.set $p (i32.add (local.get $b) (local.get $j)))
        (local.set $end (i32.add (local.get $a0) (local.get $aBytes)))
        (loop $inner
          (local.set $left (v128.load (local.get $p)))
          (local.set $right (v128.load offset=16 (local.get $p)))
          (local.set $scalar (v128.load32_splat (local.get $a0)))
          (local.set $s0 (f32x4.add (local.get $s0) (f32x4.mul (local.get $scalar) (local.get $left))))
          (local.set $t0 (f32x4.add (local.get $t0) (f32x4.mul (local.get $scalar) (local.get $right))))
          (local.set $scalar (v128.load32_splat (local.get $a1)))
          (local.set $s1 (f32x4.add (local.get $s1) (f32x4.mul (local.get $scalar) (local.get $left))))
          (local.set $t1 (f32x4.add (local.get $t1) (f32x4.mul (local.get $scalar) (local.get $right))))
          (local.set $scalar (v128.load32_splat (local.get $a2)))
          (local.set $s2 (f32x4.add (local.get $s2) (f32x4.mul (local.get $scalar) (local.get $left))))
          (local.set $t2 (f32x4.add (local.get $t2) (f32x4.mul (local.get $scalar) (local.get $right))))
          (local.set $scalar (v128.load32_splat (local.get $a3)))
          (local.set $s3 (f32x4.add (local.get $s3) (f32x4.mul (local.get $scalar) (local.get $left))))
          (local.set $t3 (f32x4.add (local.get $t3) (f32x4.mul (local.get $scalar) (local.get $right))))
          (local.set $scalar (v128.load32_splat (local.get $a4)))
          (local.set $s4 (f32x4.add (local.get $s4) (f32x4.mul (local.get $scalar) (local.get $left))))
          (local.set $t4 (f32x4.add (local.get $t4) (f32x4.mul (local.get $scalar) (local.get $right))))
          (local.set $a1 (i32.add (local.get $a1) (i32.const 4)))
          (local.set $a2 (i32.add (local.get $a2) (i32.const 4)))
          (local.set $a3 (i32.add (local.get $a3) (i32.const 4)))
          (local.set $a4 (i32.add (local.get $a4) (i32.const 4)))
          (local.set $p (i32.add (local.get $p) (local.get $rowBytes)))
          (br_if $inner
            (i32.lt_u (local.tee $a0 (i32.add (local.get $a0) (i32.const 4))) (local.get $end))))
        (v128.store (local.get $c0) (local.get $s0))
        (v128.store offset=16 (local.get $c0) (local.get $t0))
        (v128.store (local.get $c1) (local.get $s1))
        (v128.store offset=16 (local.get $c1) (local.get $t1))
        (v128.store (local.get $c2) (local.get $s2))
        (v128.store offset=16 (local.get $c2) (local.get $t2))
        (v128.store (local.get $c3) (local.get $s3))
        (v128.store offset=16 (local.get $c3) (local.get $t3))
        (v128.store (local.get $c4) (local.get $s4))
        (v128.store offset=16 (local.get $c4) (local.get $t4))
        (br_if $rows (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 5))) (local.get $m))))
      (br_if $columns
        (i32.lt_s (local.tee $j (i32.add (local.get $j) (i32.const 32))) (local.get $rowBytes)))))

  (func $sum (param $v v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $v)) (f32x4.extract_lane 1 (local.get $v)))
      (f32.add (f32x4.extract_lane 2 (local.get $v)) (f32x4.extract_lane 3 (local.get $v)))))

  ;; c (m, k) = a (m, n) times the transpose of b (k, n), added to c if keep is 1, not 0.
  (func (export "multiplyTransposed")
    (param $c i32) (param $a i32) (param $b i32) (param $m i32) (param $k i32) (param $n i32) (param $keep f32)
    (local $i i32) (local $j i32) (local $o i32) (local $b0 i32) (local $b1 i32)
    (local $rowBytes i32) (local $cBytes i32)
    (local $a0 i32) (local $a1 i32) (local $a2 i32) (local $a3 i32) (local $a4 i32)
    (local $c0 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32) (local $c4 i32)
    (local $d0 i32) (local $d1 i32) (local $d2 i32) (local $d3 i32) (local $d4 i32)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128) (local $s4 v128)
    (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128) (local $t4 v128)
    (local $x0 f32) (local $x1 f32) (local $x2 f32) (local $x3 f32) (local $x4 f32)
    (local $y0 f32) (local $y1 f32) (local $y2 f32) (local $y3 f32) (local $y4 f32)
    (local $left v128) (local $right v128) (local $row v128)
    (local.set $rowBytes (i32.shl (local.get $n) (i32.const 2)))
    (local.set $cBytes (i32.shl (local.get $k) (i32.const 2)))
    (loop $rows
      (local.set $a0
        (call $row (local.get $a) (local.get $i) (i32.const 0) (local.get $m) (local.get $rowBytes)))
      (local.set $a1
        (call $row (local.get $a) (local.get $i) (i32.const 1) (local.get $m) (local.get $rowBytes)))
      (local.set $a2
        (call $row (local.get $a) (local.get $i) (i32.const 2) (local.get $m) (local.get $rowBytes)))
      (local.set $a3
        (call $row (local.get $a) (local.get $i) (i32.const 3) (local.get $m) (local.get $rowBytes)))
      (local.set $a4
        (call $row (local.get $a) (local.get $i) (i32.const 4) (local.get $m) (local.get $rowBytes)))
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $b0 (i32.add (local.get $b) (i32.mul (local.get $j) (local.get $rowBytes))))
        (local.set $b1 (call $row (local.get $b) (local.get $j) (i32.const 1) (local.get $k) (local.get $rowBytes)))
        (local.set $o (i32.const 0))
        (local.set $s0 (v128.const i32x4 0 0 0 0))
        (local.set $t0 (v128.const i32x4 0 0 0 0))
        (local.set $s1 (v128.const i32x4 0 0 0 0))
        (local.set $t1 (v128.const i32x4 0 0 0 0))
        (local.set $s2 (v128.const i32x4 0 0 0 0))
        (local.set $t2 (v128.const i32x4 0 0 0 0))
        (local.set $s3 (v128.const i32x4 0 0 0 0))
        (local.set $t3 (v128.const i32x4 0 0 0 0))
        (local.set $s4 (v128.const i32x4 0 0 0 0))
        (local.set $t4 (v128.const i32x4 0 0 0 0))
        (loop $inner
          (local.set $left (v128.load (i32.add (local.get $b0) (local.get $o))))
          (local.set $right (v128.load (i32.add (local.get $b1) (local.get $o))))
          (local.set $row (v128.load (i32.add (local.get $a0) (local.get $o))))
          (local.set $s0 (f32x4.add (local.get $s0) (f32x4.mul (local.get $row) (local.get $left))))
          (local.set $t0 (f32x4.add (local.get $t0) (f32x4.mul (local.get $row) (local.get $right))))
          (local.set $row (v128.load (i32.add (local.get $a1) (local.get $o))))
          (local.set $s1 (f32x4.add (local.get $s1) (f32x4.mul (local.get $row) (local.get $left))))
          (local.set $t1 (f32x4.add (local.get $t1) (f32x4.mul (local.get $row) (local.get $right))))
          (local.set $row (v128.load (i32.add (local.get $a2) (local.get $o))))
          (local.set $s2 (f32x4.add (local.get $s2) (f32x4.mul (local.get $row) (local.get $left))))
          (local.set $t2 (f32x4.add (local.get $t2) (f32x4.mul (local.get $row) (local.get $right))))
          (local.set $row (v128.load (i32.add (local.get $a3) (local.get $o))))
          (local.set $s3 (f32x4.add (local.get $s3) (f32x4.mul (local.get $row) (local.get $left))))
          (local.set $t3 (f32x4.add (local.get $t3) (f32x4.mul (local.get $row) (local.get $right))))
          (local.set $row (v128.load (i32.add (local.get $a4) (local.get $o))))
          (local.set $s4 (f32x4.add (local.get $s4) (f32x4.mul (local.get $row) (local.get $left))))
          (local.set $t4 (f32x4.add (local.get $t4) (f32x4.mul (local.get $row) (local.get $right))))
          (br_if $inner
            (i32.lt_u (local.tee $o (i32.add (local.get $o) (i32.const 16))) (local.get $rowBytes))))
        (local.set $c0
          (i32.add
            (i32.shl (local.get $j) (i32.const 2))
            (call $row (local.get $c) (local.get $i) (i32.const 0) (local.get $m) (local.get $cBytes))))
        (local.set $c1
          (i32.add
            (i32.shl (local.get $j) (i32.const 2))
            (call $row (local.get $c) (local.get $i) (i32.const 1) (local.get $m) (local.get $cBytes))))
        (local.set $c2
          (i32.add
            (i32.shl (local.get $j) (i32.const 2))
            (call $row (local.get $c) (local.get $i) (i32.const 2) (local.get $m) (local.get $cBytes))))
        (local.set $c3
          (i32.add
            (i32.shl (local.get $j) (i32.const 2))
            (call $row (local.get $c) (local.get $i) (i32.const 3) (local.get $m) (local.get $cBytes))))
        (local.set $c4
          (i32.add
            (i32.shl (local.get $j) (i32.const 2))
            (call $row (local.get $c) (local.get $i) (i32.const 4) (local.get $m) (local.get $cBytes))))
        ;; Where the second row of b is the first one again, so is where its result goes.
        (local.set $o
          (i32.shl (i32.lt_s (i32.add (local.get $j) (i32.const 1)) (local.get $k)) (i32.const 2)))
        ;; All sums before the first store, as rows may be there more than once.
        (local.set $d0 (i32.add (local.get $c0) (local.get $o)))
        (local.set $x0
          (f32.add (call $sum (local.get $s0)) (f32.mul (local.get $keep) (f32.load (local.get $c0)))))
        (local.set $y0
          (f32.add (call $sum (local.get $t0)) (f32.mul (local.get $keep) (f32.load (local.get $d0)))))
        (local.set $d1 (i32.add (local.get $c1) (local.get $o)))
        (local.set $x1
          (f32.add (call $sum (local.get $s1)) (f32.mul (local.get $keep) (f32.load (local.get $c1)))))
        (local.set $y1
          (f32.add (call $sum (local.get $t1)) (f32.mul (local.get $keep) (f32.load (local.get $d1)))))
        (local.set $d2 (i32.add (local.get $c2) (local.get $o)))
        (local.set $x2
          (f32.add (call $sum (local.get $s2)) (f32.mul (local.get $keep) (f32.load (local.get $c2)))))
        (local.set $y2
          (f32.add (call $sum (local.get $t2)) (f32.mul (local.get $keep) (f32.load (local.get $d2)))))
        (local.set $d3 (i32.add (local.get $c3) (local.get $o)))
        (local.set $x3
          (f32.add (call $sum (local.get $s3)) (f32.mul (local.get $keep) (f32.load (local.get $c3)))))
        (local.set $y3
          (f32.add (call $sum (local.get $t3)) (f32.mul (local.get $keep) (f32.load (local.get $d3)))))
        (local.set $d4 (i32.add (local.get $c4) (local.get $o)))
        (local.set $x4
          (f32.add (call $sum (local.get $s4)) (f32.mul (local.get $keep) (f32.load (local.get $c4)))))
        (local.set $y4
          (f32.add (call $sum (local.get $t4)) (f32.mul (local.get $keep) (f32.load (local.get $d4)))))
        (f32.store (local.get $c0) (local.get $x0)) (f32.store (local.get $d0) (local.get $y0))
        (f32.store (local.get $c1) (local.get $x1)) (f32.store (local.get $d1) (local.get $y1))
        (f32.store (local.get $c2) (local.get $x2)) (f32.store (local.get $d2) (local.get $y2))
        (f32.store (local.get $c3) (local.get $x3)) (f32.store (local.get $d3) (local.get $y3))
        (f32.store (local.get $c4) (local.get $x4)) (f32.store (local.get $d4) (local.get $y4))
        (br_if $columns (i32.lt_s (local.tee $j (i32.add (local.get $j) (i32.const 2))) (local.get $k))))
      (br_if $rows (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 5))) (local.get $m)))))

  ;; x = max(x, 0); what is no number stays.
  (func (export "relu") (param $x i32) (param $bytes i32)
    (loop $next
      (v128.store (local.get $x) (f32x4.pmax (v128.load (local.get $x)) (v128.const i32x4 0 0 0 0)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 16))) (i32.const 0)))))

  ;; g = g where y > 0, and 0 elsewhere.
  (func (export "reluGradient") (param $g i32) (param $y i32) (param $bytes i32)
    (loop $next
      (v128.store (local.get $g)
        (v128.and
          (v128.load (local.get $g))
          (f32x4.gt (v128.load (local.get $y)) (v128.const i32x4 0 0 0 0))))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 16))) (i32.const 0)))))

  ;; y = y + x.
  (func (export "add") (param $y i32) (param $x i32) (param $bytes i32)
    (loop $next
      (v128.store (local.get $y) (f32x4.add (v128.load (local.get $y)) (v128.load (local.get $x))))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 16))) (i32.const 0)))))

  ;; A step of Adam: m and v are the running means of gradients g and of their squares, m / mScale and v /
  ;; vScale the unbiased ones, of which the step is the rate times the quotient of the first and the root of
  ;; the second.
  (func (export "adam") (param $w i32) (param $g i32) (param $m i32) (param $v i32) (param $bytes i32)
    (param $rate f32) (param $mScale f32) (param $vScale f32)
    (local $gradient v128) (local $mean v128) (local $square v128)
    (loop $next
      (local.set $gradient (v128.load (local.get $g)))
      (local.set $mean
        (f32x4.add
          (f32x4.mul (f32x4.splat (f32.const 0.9)) (v128.load (local.get $m)))
          (f32x4.mul (f32x4.splat (f32.const 0.1)) (local.get $gradient))))
      (local.set $square
        (f32x4.add
          (f32x4.mul (f32x4.splat (f32.const 0.999)) (v128.load (local.get $v)))
          (f32x4.mul (f32x4.splat (f32.const 0.001)) (f32x4.mul (local.get $gradient) (local.get $gradient)))))
      (v128.store (local.get $m) (local.get $mean))
      (v128.store (local.get $v) (local.get $square))
      (v128.store (local.get $w)
        (f32x4.sub
          (v128.load (local.get $w))
          (f32x4.mul
            (f32x4.splat (local.get $rate))
            (f32x4.div
              (f32x4.div (local.get $mean) (f32x4.splat (local.get $mScale)))
              (f32x4.add
                (f32x4.sqrt (f32x4.div (local.get $square) (f32x4.splat (local.get $vScale))))
                (f32x4.splat (f32.const 1e-8)))))))
      (local.set $w (i32.add (local.get $w) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 16))) (i32.const 0)))))

  ;; 1 / (1 + exp(-x)). With q the whole number nearest to -x / ln 2, exp(-x) is 2^q times the exponential of
  ;; a rest of at most ln 2 / 2, whose polynomial is that of the Cephes library (S. Moshier); ln 2 is the sum
  ;; of two constants. Adding 1.5 * 2^23 rounds to whole numbers and leaves them in the lowest bits.
  (func $sigmoid (param $x v128) (result v128)
    (local $whole v128) (local $rest v128)
    (local.set $x
      (f32x4.pmax
        (f32x4.pmin (f32x4.neg (local.get $x)) (f32x4.splat (f32.const 87)))
        (f32x4.splat (f32.const -87))))
    (local.set $whole
      (f32x4.add
        (f32x4.mul (local.get $x) (f32x4.splat (f32.const 1.44269504)))
        (f32x4.splat (f32.const 12582912))))
    (local.set $rest (f32x4.sub (local.get $whole) (f32x4.splat (f32.const 12582912))))
    (local.set $rest
      (f32x4.sub
        (f32x4.sub (local.get $x) (f32x4.mul (local.get $rest) (f32x4.splat (f32.const 0.693359375))))
        (f32x4.mul (local.get $rest) (f32x4.splat (f32.const -2.12194440e-4)))))
    (local.set $x (f32x4.splat (f32.const 1.9875691500e-4)))
    (local.set $x (f32x4.add (f32x4.mul (local.get $x) (local.get $rest)) (f32x4.splat (f32.const 1.3981999507e-3))))
    (local.set $x (f32x4.add (f32x4.mul (local.get $x) (local.get $rest)) (f32x4.splat (f32.const 8.3334519073e-3))))
    (local.set $x (f32x4.add (f32x4.mul (local.get $x) (local.get $rest)) (f32x4.splat (f32.const 4.1665795894e-2))))
    (local.set $x (f32x4.add (f32x4.mul (local.get $x) (local.get $rest)) (f32x4.splat (f32.const 1.6666665459e-1))))
    (local.set $x (f32x4.add (f32x4.mul (local.get $x) (local.get $rest)) (f32x4.splat (f32.const 5.0000001201e-1))))
    (local.set $x (f32x4.add (f32x4.mul (local.get $x) (local.get $rest)) (f32x4.splat (f32.const 1))))
    (local.set $x (f32x4.add (f32x4.mul (local.get $x) (local.get $rest)) (f32x4.splat (f32.const 1))))
    (local.set $x
      (f32x4.mul
        (local.get $x)
        (i32x4.add (i32x4.shl (local.get $whole) (i32.const 23)) (i32x4.splat (i32.const 0x3f800000)))))
    (f32x4.div
      (f32x4.splat (f32.const 1))
      (f32x4.add (f32x4.splat (f32.const 1)) (local.get $x))))

  ;; A step of a GRU. The gates, four blocks of `bytes`, hold the affine maps for r and z, and for n the
  ;; hidden state's and the input's; they become r, z, the hidden state's map as it was, and n. h is the state
  ;; before; the state after, which is n + z (h - n), goes to two places.
  (func (export "gruForward")
    (param $gates i32) (param $h i32) (param $next i32) (param $out i32) (param $bytes i32)
    (local $size i32) (local $zAt i32) (local $aAt i32) (local $nAt i32)
    (local $r v128) (local $z v128) (local $n v128)
    (local.set $size (local.get $bytes))
    (local.set $zAt (i32.add (local.get $gates) (local.get $size)))
    (local.set $aAt (i32.add (local.get $zAt) (local.get $size)))
    (local.set $nAt (i32.add (local.get $aAt) (local.get $size)))
    (loop $next
      (local.set $r (call $sigmoid (v128.load (local.get $gates))))
      (local.set $z (call $sigmoid (v128.load (local.get $zAt))))
      (local.set $n
        (f32x4.add (v128.load (local.get $nAt)) (f32x4.mul (local.get $r) (v128.load (local.get $aAt)))))
      ;; tanh(x) = 2 sigmoid(2 x) - 1
      (local.set $n (call $sigmoid (f32x4.add (local.get $n) (local.get $n))))
      (local.set $n (f32x4.sub (f32x4.add (local.get $n) (local.get $n)) (f32x4.splat (f32.const 1))))
      (v128.store (local.get $gates) (local.get $r))
      (v128.store (local.get $zAt) (local.get $z))
      (v128.store (local.get $nAt) (local.get $n))
      (local.set $n
        (f32x4.add
          (local.get $n)
          (f32x4.mul (local.get $z) (f32x4.sub (v128.load (local.get $h)) (local.get $n)))))
      (v128.store (local.get $next) (local.get $n))
      (v128.store (local.get $out) (local.get $n))
      (local.set $gates (i32.add (local.get $gates) (i32.const 16)))
      (local.set $zAt (i32.add (local.get $zAt) (i32.const 16)))
      (local.set $aAt (i32.add (local.get $aAt) (i32.const 16)))
      (local.set $nAt (i32.add (local.get $nAt) (i32.const 16)))
      (local.set $h (i32.add (local.get $h) (i32.const 16)))
      (local.set $next (i32.add (local.get $next) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 16))) (i32.const 0)))))

  ;; The same step backwards: gates become the gradients of the affine maps. dh is the gradient of the state
  ;; after the step as far as later steps use it, to which that of the output is added; it becomes the part of
  ;; the gradient of the state before that does not pass through the affine maps.
  (func (export "gruBackward")
    (param $gates i32) (param $h i32) (param $dh i32) (param $dout i32) (param $bytes i32)
    (local $size i32) (local $zAt i32) (local $aAt i32) (local $nAt i32)
    (local $r v128) (local $z v128) (local $n v128) (local $g v128) (local $one v128) (local $dn v128)
    (local.set $one (f32x4.splat (f32.const 1)))
    (local.set $size (local.get $bytes))
    (local.set $zAt (i32.add (local.get $gates) (local.get $size)))
    (local.set $aAt (i32.add (local.get $zAt) (local.get $size)))
    (local.set $nAt (i32.add (local.get $aAt) (local.get $size)))
    (loop $next
      (local.set $r (v128.load (local.get $gates)))
      (local.set $z (v128.load (local.get $zAt)))
      (local.set $n (v128.load (local.get $nAt)))
      (local.set $g (f32x4.add (v128.load (local.get $dh)) (v128.load (local.get $dout))))
      (local.set $dn
        (f32x4.mul
          (f32x4.mul (local.get $g) (f32x4.sub (local.get $one) (local.get $z)))
          (f32x4.sub (local.get $one) (f32x4.mul (local.get $n) (local.get $n)))))
      (v128.store (local.get $gates)
        (f32x4.mul
          (f32x4.mul (local.get $dn) (v128.load (local.get $aAt)))
          (f32x4.mul (local.get $r) (f32x4.sub (local.get $one) (local.get $r)))))
      (v128.store (local.get $zAt)
        (f32x4.mul
          (f32x4.mul (local.get $g) (f32x4.sub (v128.load (local.get $h)) (local.get $n)))
          (f32x4.mul (local.get $z) (f32x4.sub (local.get $one) (local.get $z)))))
      (v128.store (local.get $aAt) (f32x4.mul (local.get $dn) (local.get $r)))
      (v128.store (local.get $nAt) (local.get $dn))
      (v128.store (local.get $dh) (f32x4.mul (local.get $g) (local.get $z)))
      (local.set $gates (i32.add (local.get $gates) (i32.const 16)))
      (local.set $zAt (i32.add (local.get $zAt) (i32.const 16)))
      (local.set $aAt (i32.add (local.get $aAt) (i32.const 16)))
      (local.set $nAt (i32.add (local.get $nAt) (i32.const 16)))
      (local.set $h (i32.add (local.get $h) (i32.const 16)))
      (local.set $dh (i32.add (local.get $dh) (i32.const 16)))
      (local.set $dout (i32.add (local.get $dout) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 16))) (i32.const 0))))))
