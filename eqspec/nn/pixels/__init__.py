"""Image operations: photometric changes, blur and geometric warps."""
